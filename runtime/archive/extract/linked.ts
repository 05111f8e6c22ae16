import { SubpipeError } from '../../errors.ts';
import { type LayerSource, readLayer } from '../layer/read-layer.ts';
import { type BytePath, entryPath, shown } from '../path.ts';
import type { TarHeader } from '../tar/header.ts';
import type { TarVisitor } from '../tar/parser.ts';
import type { Staging } from './staging.ts';

/** Reads a layer once more, for files that are not wanted or replaced above, and live on under other names. */
export async function readLinked(
  layer: LayerSource,
  wanted: Map<BytePath, BytePath[]>,
  staging: Staging,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (wanted.size === 0) return;
  const needs = (path: BytePath): boolean => wanted.has(path);
  await readLayer(layer, new LinkedReader(wanted, staging, layer.name), { signal, needs });
  for (const [target, names] of wanted) {
    for (const path of names) if (staging.kindOf(path) !== 'file') throw missing(layer.name, path, target);
  }
}

class LinkedReader implements TarVisitor {
  readonly #wanted: Map<BytePath, BytePath[]>;
  readonly #staging: Staging;
  readonly #source: string;
  #links: BytePath[] = [];
  #first: BytePath | undefined;

  constructor(wanted: Map<BytePath, BytePath[]>, staging: Staging, source: string) {
    this.#wanted = wanted;
    this.#staging = staging;
    this.#source = source;
  }

  entry(header: TarHeader): void {
    this.#first = undefined;
    if (header.type !== 'file') return;
    const [first, ...links] = this.#wanted.get(entryPath(header.path, this.#source)) ?? [];
    if (first === undefined) return;
    this.#first = first;
    this.#links = links;
    this.#staging.startFile(first, header);
  }

  data(bytes: Buffer, at: number): void {
    if (this.#first !== undefined) this.#staging.write(bytes, at);
  }

  end(): void {
    if (this.#first === undefined) return;
    this.#staging.endFile();
    for (const path of this.#links) this.#staging.link(path, this.#first);
  }

  flush(): void {
    this.#staging.flush();
  }
}

/** The error for a name of a file that there is none of. */
export function missing(source: string, path: BytePath, target: BytePath): SubpipeError {
  return new SubpipeError(
    'FAILED',
    `${source} has ${shown(path)} as another name of ${shown(target)}, which is no file of the image`,
  );
}

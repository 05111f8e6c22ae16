import { invalid, type SubpipeError } from '../../errors.ts';
import { type Fields, isFields } from '../../shape.ts';

/** A webhook's payload, read by paths: `pull_request.head.sha`, `commits.-1.id`. What is missing, or empty, is `undefined`. */
export class Payload {
  readonly #body: Fields;
  readonly where: string;

  constructor(body: Fields, where: string) {
    this.#body = body;
    this.where = where;
  }

  value(path: string): unknown {
    let at: unknown = this.#body;
    for (const key of path.split('.')) {
      if (Array.isArray(at)) at = at.at(Number(key));
      else if (isFields(at) && Object.hasOwn(at, key)) at = at[key];
      else return undefined;
    }
    return at ?? undefined;
  }

  has(path: string): boolean {
    return this.value(path) !== undefined;
  }

  text(path: string): string | undefined {
    const value = this.value(path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  number(path: string): number | undefined {
    const value = this.value(path);
    return typeof value === 'number' && value !== 0 ? value : undefined;
  }

  list(path: string): readonly unknown[] {
    const value = this.value(path);
    return Array.isArray(value) ? value : [];
  }

  /** One text field of each object of a list. */
  texts(path: string, field: string): readonly string[] {
    return this.list(path).flatMap((entry) =>
      isFields(entry) && typeof entry[field] === 'string' ? [entry[field]] : [],
    );
  }

  /** What a step of Pipelines-as-Code would not go on with. */
  unsupported(what: string): SubpipeError {
    return invalid(`${this.where}: ${what}, which starts no PipelineRun`);
  }
}

export function isZero(sha: string | undefined): boolean {
  return sha !== undefined && /^0+$/.test(sha);
}

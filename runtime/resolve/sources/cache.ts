import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '../../log.ts';
import { type Digest, digestOf, isDigest } from '../../oci/digest.ts';
import { isFields } from '../../shape.ts';
import type { Validators } from './download.ts';

/** What is known of a source: which text it had, and how to ask whether it has changed. */
export interface CacheEntry {
  from: string;
  asked: string;
  digest: Digest;
  validators: Validators;
}

/** `$XDG_CACHE_HOME/subpipe/sources`, or `~/.cache/…` (XDG Base Directory specification); nothing where there is no home. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv): string | undefined {
  const { XDG_CACHE_HOME: base, HOME: home } = env;
  if (base !== undefined && path.isAbsolute(base)) return path.join(base, 'subpipe', 'sources');
  return home !== undefined && path.isAbsolute(home) ? path.join(home, '.cache', 'subpipe', 'sources') : undefined;
}

/**
 * Texts by digest (`texts/HEX`), and what each source had last (`sources/HEX.json`, by the digest of its name). Files appear by
 * rename and are verified when read, so any number of processes may use a folder at once. Only its owner can read it: it may
 * hold files of private repositories. A cache that cannot be read or written is as good as none.
 */
export class Cache {
  readonly #folder: string;
  readonly #log: Log;
  #warned = false;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  async entry(from: string): Promise<CacheEntry | undefined> {
    const text = await readFile(this.#entryPath(from), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : parseEntry(text, from);
  }

  /** The text, if it is here and whole. */
  async text(digest: Digest): Promise<string | undefined> {
    const bytes = await readFile(this.#textPath(digest)).catch(() => undefined);
    return bytes !== undefined && digestOf(bytes) === digest ? bytes.toString('utf8') : undefined;
  }

  async put(entry: CacheEntry, text: string): Promise<void> {
    try {
      await publish(this.#textPath(entry.digest), text);
      await publish(this.#entryPath(entry.from), JSON.stringify(entry));
    } catch (error) {
      if (!this.#warned) this.#log.warn(`the cache ${this.#folder} cannot be written: ${String(error)}`);
      this.#warned = true;
    }
  }

  #entryPath(from: string): string {
    return path.join(this.#folder, 'sources', `${createHash('sha256').update(from).digest('hex')}.json`);
  }

  #textPath(digest: Digest): string {
    return path.join(this.#folder, 'texts', digest.slice('sha256:'.length));
  }
}

async function publish(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function parseEntry(text: string, from: string): CacheEntry | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isFields(value) || value.from !== from) return undefined;
    const { asked, digest, validators } = value;
    if (typeof asked !== 'string' || typeof digest !== 'string' || !isDigest(digest) || !isFields(validators))
      return undefined;
    const { etag, lastModified } = validators;
    return {
      from,
      asked,
      digest,
      validators: {
        ...(typeof etag === 'string' ? { etag } : {}),
        ...(typeof lastModified === 'string' ? { lastModified } : {}),
      },
    };
  } catch {
    return undefined;
  }
}

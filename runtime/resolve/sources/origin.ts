import type { Validators } from './download.ts';

/** A place that one text comes from. */
export interface Origin {
  /** For people, for the cache and for the lock file: without credentials, the same for the same text. */
  from: string;
  /** What is there never changes: a digest, a commit, a hub's version. It is read once and for all. */
  immutable: boolean;
  /** Who answers; validators are good only there. Default: `from`. */
  asked?: string;
  /** @param known what came with the text of last time: with it the answer may be `same`. */
  read(known: Validators | undefined, signal: AbortSignal | undefined): Promise<Answer>;
}

export type Answer = { kind: 'same' } | { kind: 'text'; text: string; validators: Validators };

import type { Case } from './case.ts';
import { comments, globs } from './globs.ts';
import { matches } from './matches.ts';
import { payloadCases } from './payloads.ts';
import { params, texts, withoutBody } from './variables.ts';

export type { Case, PeerEvent } from './case.ts';

export const cases: readonly Case[] = [
  ...matches,
  ...texts,
  ...withoutBody,
  ...params,
  ...globs,
  ...comments,
  ...payloadCases,
];

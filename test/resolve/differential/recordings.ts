import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Fields, fieldsOf } from '../../../runtime/shape.ts';
import { corpus } from '../corpus/cases.ts';
import { cases } from '../peer-match/cases.ts';
import { parallel } from './parallel.ts';
import { programOf } from './programs.ts';
import { peerOutcome } from './run.ts';

/** What the peer answers to cases, kept in a file: so `npm test`, which needs only Node, holds ours against it. */
export interface Recording {
  file: URL;
  /** Asks the peer itself. By the cases' names. */
  ask(signal: AbortSignal): Promise<Record<string, unknown>>;
}

/** Which PipelineRuns events start, and what their variables are. */
export const eventAnswers: Recording = {
  file: new URL('../peer-match/answers.json', import.meta.url),
  async ask(signal) {
    const program = await programOf('peer-match', signal);
    const input = JSON.stringify(cases);
    const { stdout, stderr, status } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
    const answers: unknown = JSON.parse(stdout);
    if (!Array.isArray(answers) || answers.length !== cases.length) throw new Error('not one answer a case');
    return byName(
      cases.map(({ name }) => name),
      answers,
    );
  },
};

/** What becomes of `.tekton` folders. */
export const corpusAnswers: Recording = {
  file: new URL('../corpus/answers.json', import.meta.url),
  async ask(signal) {
    const peer = { program: await programOf('tkn-pac', signal), before: ['resolve'] };
    return byName(
      corpus.map(({ title }) => title),
      await parallel(corpus, (one) => peerOutcome(one, peer)),
    );
  },
};

export const recordings: readonly Recording[] = [eventAnswers, corpusAnswers];

/** What is kept. */
export function readRecording({ file }: Recording): Fields {
  return fieldsOf(JSON.parse(readFileSync(file, 'utf8')), file.pathname);
}

function byName(names: readonly string[], answers: readonly unknown[]): Record<string, unknown> {
  if (new Set(names).size !== names.length) throw new Error('two cases have the same name');
  return Object.fromEntries(names.map((name, index) => [name, answers[index]]));
}

import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { bundleSteps } from '../../../images/bundle.ts';
import { readProject } from '../../../images/project.ts';
import { makeFolder } from '../../support/folder.ts';
import type { CorpusCase } from '../corpus/case.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type Place, placeOf } from './place.ts';
import { programOf } from './programs.ts';

/** A command that resolves: its program, and what comes before the flags. */
export interface Command {
  program: string;
  before: readonly string[];
}

/** The peer's command and ours: the step's bundle, made from the sources as they are now. */
export interface Commands extends AsyncDisposable {
  peer: Command;
  ours: Command;
}

export async function commands(signal: AbortSignal): Promise<Commands> {
  const folder = await makeFolder();
  const [peer] = await Promise.all([
    programOf('tkn-pac', signal),
    readProject().then((project) => bundleSteps(['pac-resolve'], folder.path, project)),
  ]);
  // The bundle is CommonJS, and the folder has no package.json that says otherwise.
  const bundle = path.join(folder.path, 'pac-resolve.js');
  return {
    peer: { program: peer, before: ['resolve'] },
    ours: { program: process.execPath, before: [bundle] },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Runs the peer and ours on the same files, in turn. */
export async function outcomesOf(
  one: CorpusCase,
  { peer, ours }: Commands,
): Promise<{ peers: Outcome; ours: Outcome }> {
  await using place = await placeOf(one);
  return { peers: await outcome(peer, place), ours: await outcome(ours, place) };
}

/** What the peer makes of a case. */
export async function peerOutcome(one: CorpusCase, peer: Command): Promise<Outcome> {
  await using place = await placeOf(one);
  return await outcome(peer, place);
}

function outcome({ program, before }: Command, { folder, env, args, output, remote }: Place): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...before, ...args],
      { cwd: folder, env, maxBuffer: 64e6, timeout: 60_000 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') {
          reject(error);
          return;
        }
        const code = typeof error?.code === 'number' ? error.code : 0;
        taken(output)
          .then((written) => outcomeOf({ code, stdout, stderr, written }, remote))
          .then(resolve, reject);
      },
    );
    // Nobody answers questions.
    child.stdin?.end();
  });
}

/** The text of a file that is then gone: the next program writes its own. */
async function taken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  await rm(file, { force: true });
  return text;
}

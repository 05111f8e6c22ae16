import { execFile } from 'node:child_process';
import path from 'node:path';
import { formatDuration, parseDuration } from '../../../runtime/duration.ts';
import { type Fields, isFields } from '../../../runtime/shape.ts';
import { parseYamlAll } from '../../../runtime/yaml.ts';
import { makeFolder } from '../../support/folder.ts';
import { serve } from '../../support/http-server.ts';
import type { CorpusCase } from '../corpus/case.ts';

/** What a program makes of a case: the objects that it prints, or that it refuses. */
export interface Outcome {
  refused: boolean;
  objects: unknown[];
  /** For people. */
  said: string;
}

const step = path.join(import.meta.dirname, '../../../steps/pac-resolve/main.ts');

/** Runs the peer and ours on the same files, in turn. */
export async function outcomesOf(one: CorpusCase, peer: string): Promise<{ peers: Outcome; ours: Outcome }> {
  await using server = await serve((request, response) => {
    const text = one.remote?.[request.url ?? ''];
    response.writeHead(text === undefined ? 404 : 200);
    response.end(text?.replaceAll('{{REMOTE}}', server.url));
  });
  await using folder = await makeFolder();
  await using home = await makeFolder();
  for (const [name, text] of Object.entries(one.files))
    await folder.write(name, text.replaceAll('{{REMOTE}}', server.url));
  const args = one.args ?? ['-f', '.tekton'];
  const peers = await outcome(peer, ['resolve', ...args], folder.path, home.path);
  const ours = await outcome(process.execPath, [step, ...args], folder.path, home.path);
  return { peers, ours };
}

function outcome(program: string, args: readonly string[], cwd: string, home: string): Promise<Outcome> {
  // No kubeconfig, no git repository around, no proxy, no token.
  const env = { HOME: home, PATH: process.env.PATH, GIT_CEILING_DIRECTORIES: path.dirname(cwd), TMPDIR: home };
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { cwd, env, maxBuffer: 64e6, timeout: 20_000 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') {
          reject(error);
          return;
        }
        const refused = error !== null;
        const objects = refused ? Promise.resolve([]) : parseYamlAll(stdout, path.basename(program));
        objects.then((values) => resolve({ refused, objects: values.map(normal), said: stderr.slice(0, 400) }), reject);
      },
    );
    // Nobody answers questions.
    child.stdin?.end();
  });
}

/** Fields that Go prints because it cannot leave them out. */
const printedEmpty = [
  'status',
  'taskRunTemplate',
  'creationTimestamp',
  'computeResources',
  'resources',
  'metadata',
  'spec',
];

/** Values that mean the same get the same form: 10m is 10m0s. */
function normal(value: unknown): unknown {
  if (typeof value === 'string' && /^(\d+h)?(\d+m)?(\d+s)?$/.test(value) && value !== '') {
    return formatDuration(parseDuration(value, 'a duration'));
  }
  if (Array.isArray(value)) return value.map(normal);
  if (!isFields(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, normal(inner)]);
  const isEmpty = (inner: unknown): boolean => inner === null || (isFields(inner) && Object.keys(inner).length === 0);
  const kept: Fields = Object.fromEntries(
    entries.filter(([key, inner]) => !printedEmpty.includes(key) || !isEmpty(inner)),
  );
  return kept;
}

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { makeFolder } from '../support/folder.ts';

const runtime = path.join(import.meta.dirname, '../../runtime');

/** A step that says more than a pipe takes at once (64 KiB). */
const loud = `
import { main } from '${runtime}/main.ts';
import { defineStep } from '${runtime}/step.ts';
main(defineStep({
  name: 'loud', summary: 'Says much.', params: {}, results: {},
  async run({ stdout }) {
    stdout('first\\n');
    stdout('a long line of text\\n'.repeat(50_000));
    stdout('last\\n');
  },
}));
`;
const expected = `first\n${'a long line of text\n'.repeat(50_000)}last\n`;

for (const [kind, flags] of [
  ['a pipe', constants.O_RDWR],
  ['a pipe that somebody has made non-blocking', constants.O_RDWR | constants.O_NONBLOCK],
] as const) {
  test(`all of a step's output goes through ${kind}, however slowly it is read`, async () => {
    await using folder = await makeFolder({ 'loud.ts': loud });
    const fifo = path.join(folder.path, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const end = openSync(fifo, flags);
    const step = spawn(process.execPath, [path.join(folder.path, 'loud.ts')], { stdio: ['ignore', end, 'inherit'] });
    const ended = once(step, 'exit');
    await once(step, 'spawn');
    closeSync(end);
    const reader = spawn('sh', ['-c', 'sleep 0.3; exec cat "$1"', 'sh', fifo], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.equal((await buffer(reader.stdout)).toString(), expected);
    assert.equal((await ended)[0], 0);
  });
}

for (const [what, command] of [
  ['a step', ['loud.ts']],
  ['a command', [path.join(import.meta.dirname, '../../kubectl/main.ts'), 'stub', '-f', 'pipeline.yaml']],
] as const) {
  test(`${what} whose reader has seen enough ends as SIGPIPE would end it, and says nothing`, async () => {
    const params = Array.from({ length: 5000 }, (_, i) => ({ name: `param-${i}`, description: 'of many' }));
    const pipeline = {
      apiVersion: 'tekton.dev/v1',
      kind: 'Pipeline',
      metadata: { name: 'p' },
      spec: { params, tasks: [] },
    };
    await using folder = await makeFolder({ 'loud.ts': loud, 'pipeline.yaml': JSON.stringify(pipeline) });
    const argv = ['-c', '{ "$@"; echo "$?" >&2; } | head -n 1', 'sh', process.execPath, ...command];
    const run = spawnSync('sh', argv, { cwd: folder.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal(run.stdout.split('\n').length, 2);
    assert.equal(run.stderr, '141\n');
  });
}

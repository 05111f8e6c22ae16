import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { linkProgram } from '../../kubectl/link.ts';
import { makeFolder } from '../support/folder.ts';

test('npx subpipe is the program of the clone that somebody is in, from any folder of it', async () => {
  await using folder = await makeFolder({
    'package.json': JSON.stringify({ name: 'subpipe', version: '1.0.0', bin: { subpipe: 'dist/kubectl-subpipe.js' } }),
  });
  const program = await folder.write(
    'dist/kubectl-subpipe.js',
    '#!/usr/bin/env node\nconsole.log(`given ${process.argv.slice(2)}`);\n',
  );
  await chmod(program, 0o755);
  const below = path.join(folder.path, 'examples/one');
  await mkdir(below, { recursive: true });
  await linkProgram(folder.path);
  // As npm ci does it again.
  await linkProgram(folder.path);
  const env = { ...process.env, npm_config_update_notifier: 'false' };
  const argv = ['--no', 'subpipe', 'resolve', '-f', '.tekton'];
  const { stdout } = await promisify(execFile)('npx', argv, { cwd: below, env });
  assert.equal(stdout, 'given resolve,-f,.tekton\n');
});

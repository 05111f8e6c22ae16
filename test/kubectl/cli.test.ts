import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runFile } from '../support/run-file.ts';
import { subpipe } from './support.ts';

describe('the command subpipe', () => {
  it('tells its commands, and those of each its flags', async () => {
    const all = await subpipe(['--help']);
    assert.equal(all.code, 0);
    for (const name of ['run', 'stub', 'call', 'trigger', 'wait'])
      assert.match(all.stdout, new RegExp(`^  ${name} `, 'm'));
    const one = await subpipe(['stub', '--help']);
    assert.deepEqual([one.code, one.stderr], [0, '']);
    assert.match(one.stdout, /-f, --file FILE/);
    assert.match((await subpipe(['call', '--help'])).stdout, /--pipeline=NAME/, 'a step, with its own flags');
  });

  it('tells its version', async () => {
    assert.match((await subpipe(['--version'])).stdout, /^subpipe \d+\.\d+\.\d+\n$/);
  });

  it('exits 2 where it is asked for nothing, or for what it does not know', async () => {
    const cases: [string[], RegExp][] = [
      [[], /COMMAND/],
      [['sutb'], /there is no command "sutb": expected run, stub, wrap, workspace, call, trigger, wait/],
      [['stub', 'tests', '--nmae=x'], /there is no flag --nmae/],
      [['stub', 'tests', '-n'], /--namespace has no value: expected NAME/],
      [['stub', 'tests', '-n', 'a', '-n', 'b'], /--namespace is given 2 times/],
      [['stub', 'tests', 'deploy'], /expected one Pipeline, but 2 words came: tests deploy/],
      [['stub'], /the name of the Pipeline is missing/],
      [['run'], /there is nothing to run/],
      [['run', 'main', '--logs=some'], /--logs must be one of all, failed, none, but is "some"/],
      [['run', '-f', 'no-such-file.yaml'], /the file no-such-file.yaml cannot be read/],
    ];
    for (const [argv, expected] of cases) {
      const { code, stderr, stdout } = await subpipe(argv);
      assert.equal(code, 2, argv.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, expected);
    }
  });

  it('is a program of its own', async () => {
    const running = runFile('kubectl/main.ts', ['--version']);
    assert.equal(await running.ended, 0);
    assert.match(running.stdout, /^subpipe /);
  });
});

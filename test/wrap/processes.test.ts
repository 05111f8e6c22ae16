import assert from 'node:assert/strict';
import process from 'node:process';
import { describe, test } from 'node:test';
import type { PipelineTask } from '../../runtime/tekton/types.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { good, makeMachine } from '../workspace/support.ts';
import { type Ran, runWrapped } from './processes.ts';
import { pipeline, task, wrap } from './support.ts';

const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root' };

/** One step that runs `text` in the workspace `w`. */
const step = (name: string, text: string, more: object = {}) => ({
  name,
  image: 'busybox',
  command: ['sh', '-ec'],
  args: [`cd $(workspaces.w.path); ${text}`],
  ...more,
});

/** A task with these steps. */
const does = (name: string, list: object[], more = {}): PipelineTask => task(name, more, { steps: list });

const have = (label: string): string => `echo "${label}:" $(ls)`;

/** Runs a Pipeline, wrapped, and gives what each Task has logged. */
async function run(
  registry: FakeRegistry,
  tasks: PipelineTask[],
  last: PipelineTask[] = [],
  base?: string,
): Promise<(name: string) => Ran> {
  const done = await runWrapped(
    wrap(pipeline(tasks, last), { target: `${registry.host}/run-{{workspace}}:latest`, base }),
  );
  return (name) => {
    const ran = done.get(name);
    assert.ok(ran !== undefined, `${name} has run`);
    return ran;
  };
}

describe('the steps of a wrapped Pipeline', () => {
  test('begin with the base, side by side as well, and merge what they have changed of it', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await makeMachine();
    machine.workspace('base', { kept: 'kept\n', changed: 'old\n', gone: 'gone\n' });
    const base = `${registry.host}/base:1`;
    await good(machine.push('base', `--target=${base}`));
    const tasks = [
      does('left', [step('run', `${have('left')}; echo new > changed`)]),
      does('right', [step('run', `${have('right')}; rm gone; echo right > right`)]),
      does('join', [step('run', `${have('join')}; cat changed`)], { runAfter: ['left', 'right'] }),
    ];
    const of = await run(registry, tasks, [does('report', [step('run', have('report'))])], base);
    assert.match(of('left').log, /left: changed gone kept\n/);
    assert.match(of('right').log, /right: changed gone kept\n/);
    assert.match(of('join').log, /join: changed kept right\nnew\n/);
    assert.match(of('report').log, /report: changed kept right\n/);
  });

  test('hand on what a step with onError: continue has left, and nothing of a Task that failed', async () => {
    await using registry = await FakeRegistry.start();
    const one = step('one', 'echo one > one; exit 3', { onError: 'continue' });
    const of = await run(registry, [
      does('first', [one, step('two', 'cat $(steps.step-one.exitCode.path) > two')]),
      does('failed', [step('run', 'echo x > of-failed; false')], { runAfter: ['first'], onError: 'continue' }),
      does('last', [step('run', `${have('last')}; cat two`)], { runAfter: ['failed'] }),
    ]);
    assert.equal(of('failed').failed, true);
    assert.match(of('last').log, /last: one two\n3/);
  });

  test('have a folder for each of two names of a workspace, and hand on what both have', async () => {
    await using registry = await FakeRegistry.start();
    const workspaces = ['in', 'out'].map((name) => ({ name, workspace: 'w' }));
    const text =
      'cp $(workspaces.in.path)/a $(workspaces.out.path)/b; rm $(workspaces.out.path)/c; echo d > $(workspaces.in.path)/d';
    const both: PipelineTask = {
      name: 'both',
      runAfter: ['first'],
      workspaces,
      taskSpec: {
        workspaces: [{ name: 'in' }, { name: 'out' }],
        steps: [{ name: 'run', image: 'busybox', command: ['sh', '-ec'], args: [text] }],
      },
    };
    const of = await run(registry, [
      does('first', [step('run', 'echo a > a; echo c > c')]),
      both,
      does('last', [step('run', `${have('last')}; cat b`)], { runAfter: ['both'] }),
    ]);
    assert.match(of('last').log, /last: a b d\na\n/);
  });

  test(
    'give each file back to its owner where they are several users, and all of them to the only one',
    asRoot,
    async () => {
      await using registry = await FakeRegistry.start();
      const as = (user: number) => ({ securityContext: { runAsUser: user, runAsGroup: user } });
      const of = await run(registry, [
        does('several', [
          step('one', 'umask 077; echo 1 > one', as(1000)),
          step('two', 'umask 077; echo 2 > two; mkdir of-two; echo 2 > of-two/file', as(2000)),
        ]),
        does(
          'alone',
          [step('run', "cat one two of-two/file; umask 077; echo 1 > alone; stat -c '%n %u %a' *", as(1000))],
          {
            runAfter: ['several'],
          },
        ),
        does(
          'again',
          [
            step('one', 'echo more >> one; echo more >> alone; if cat two 2>&1; then exit 1; fi', as(1000)),
            step('two', "echo more >> two; cat of-two/file; stat -c '%n %u %a' *", as(2000)),
          ],
          { runAfter: ['alone'] },
        ),
        does('root', [step('run', "stat -c '%n %u %a' *; cat *e two")], { runAfter: ['again'] }),
      ]);
      assert.match(of('alone').log, /1\n2\n2\nalone 1000 600\nof-two 1000 700\none 1000 600\ntwo 1000 600\n/);
      const owners = 'alone 1000 600\nof-two 2000 700\none 1000 600\ntwo 2000 600\n';
      assert.match(of('again').log, new RegExp(owners));
      assert.match(of('root').log, new RegExp(`${owners}1\nmore\n1\nmore\n2\nmore\n`));
    },
  );
});

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { makeMachine } from '../workspace/support.ts';
import { apply } from './support/apply.ts';
import { context } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { logOf, resultsOf, taskRunOf, verdict } from './support/runs.ts';
import { pipeline, pulled, registry, runWrapped, script, step, steps, targetIn } from './support/wrapped.ts';

const skip = context.ownCluster ? false : 'no registry of our own beside a cluster that KUBECONFIG names';

/** Shows what is in the folder, in one line. */
const have = (label: string): string => `echo "${label}: \`ls | tr '\\n' ' '\`"`;

describe('a wrapped Pipeline', { concurrency: 2, skip }, () => {
  it('begins with the base, in Tasks side by side as well, and merges what they changed of it', async (t) => {
    const namespace = await testNamespace(t, 'wrapbase');
    await using machine = await makeMachine();
    machine.workspace('base', { kept: 'kept\n', changed: 'old\n', gone: 'gone\n' });
    const base = `${registry}/${namespace}/base:1`;
    const pushed = await machine.push('base', `--insecure=${registry}`, `--target=${base}`);
    assert.equal(pushed.code, 0, pushed.stderr);
    await apply(
      namespace,
      pipeline(
        'based',
        [
          script('left', `${have('left')}; echo new > changed`),
          script('right', `${have('right')}; rm gone; echo right > right`),
          script('join', `${have('join')}; cat changed`, 'runAfter: [left, right]'),
        ],
        [script('report', have('report'))],
      ),
    );
    assert.equal(verdict(await runWrapped(namespace, 'based', ['--base', base])), 'True Succeeded');
    assert.match(await logOf(namespace, 'based', 'left'), /left: changed gone kept \n/);
    assert.match(await logOf(namespace, 'based', 'right'), /right: changed gone kept \n/);
    assert.match(await logOf(namespace, 'based', 'join'), /join: changed kept right \nnew\n/);
    assert.match(await logOf(namespace, 'based', 'report'), /report: changed kept right \n/);
  });

  it('hands on what a Task has left whose step failed with onError: continue, and passes over one that failed', async (t) => {
    const namespace = await testNamespace(t, 'wraponerror');
    await apply(
      namespace,
      pipeline('accepted', [
        steps('first', [
          step('one', 'echo one > one; exit 3', ', onError: continue'),
          step('two', 'cat $(steps.step-one.exitCode.path) > two'),
        ]),
        script('failed', 'echo x > of-failed; false', 'runAfter: [first]\nonError: continue'),
        script('last', `${have('last')}; cat two`, 'runAfter: [failed]'),
      ]),
    );
    assert.match(verdict(await runWrapped(namespace, 'accepted')), /^True /);
    assert.match(await logOf(namespace, 'accepted', 'last'), /last: one two \n3/);
  });

  it('gives each file back to its owner where steps are several users, and all of them to the only one', async (t) => {
    const namespace = await testNamespace(t, 'wrapusers');
    const as = (user: number): string => `, securityContext: {runAsUser: ${user}, runAsGroup: ${user}}`;
    const show = (text: string): string => `${text}; stat -c '%n %u %a' *`;
    await apply(
      namespace,
      pipeline('users', [
        steps('several', [
          step('one', 'umask 077; echo 1 > one', as(1000)),
          step('two', 'umask 077; echo 2 > two; mkdir of-two; echo 2 > of-two/file', as(2000)),
        ]),
        steps(
          'alone',
          [step('run', show('cat one two of-two/file; umask 077; echo 1 > alone'), as(1000))],
          'runAfter: [several]',
        ),
        steps(
          'again',
          [
            step('one', 'echo more >> one; echo more >> alone; if cat two; then exit 1; fi', as(1000)),
            step('two', show('echo more >> two; cat of-two/file'), as(2000)),
          ],
          'runAfter: [alone]',
        ),
        script('root', 'stat -c "%n %u %a" *; cat *e two', 'runAfter: [again]'),
      ]),
    );
    const done = await runWrapped(namespace, 'users');
    assert.equal(verdict(done), 'True Succeeded', await logOf(namespace, 'users', 'again').catch(String));
    assert.match(
      await logOf(namespace, 'users', 'alone'),
      /1\n2\n2\nalone 1000 600\nof-two 1000 700\none 1000 600\ntwo 1000 600\n/,
    );
    const owners = /alone 1000 600\nof-two 2000 700\none 1000 600\ntwo 2000 600\n/;
    assert.match(await logOf(namespace, 'users', 'again'), owners);
    assert.match(await logOf(namespace, 'users', 'root'), new RegExp(`${owners.source}1\nmore\n1\nmore\n2\nmore\n`));
  });

  it('takes Tasks whose template is privileged, is root, or is not who all of its steps are', async (t) => {
    const namespace = await testNamespace(t, 'wraptemplate');
    const template = (context: string): string => `stepTemplate: {securityContext: ${context}}`;
    const secret = (name: string): string =>
      `umask 077; mkdir ${name}; echo ${name} > ${name}/file; chown -R 1001 ${name}`;
    await apply(
      namespace,
      pipeline('template', [
        script('privileged', secret('privileged'), '', template('{privileged: true}')),
        script('root', secret('root'), 'runAfter: [privileged]', template('{runAsUser: 0}')),
        steps(
          'other',
          [step('user', 'echo user > user'), step('root', secret('other'), ', securityContext: {runAsUser: 0}')],
          'runAfter: [root]',
          template('{runAsUser: 1000}'),
        ),
        script('last', "stat -c '%n %u %a' *; cat */file", 'runAfter: [other]'),
      ]),
    );
    assert.equal(verdict(await runWrapped(namespace, 'template')), 'True Succeeded');
    assert.match(
      await logOf(namespace, 'template', 'last'),
      /other 1001 700\nprivileged 1001 700\nroot 1001 700\nuser 1000 644\nother\nprivileged\nroot\n/,
    );
  });

  it('embeds a Task of the cluster with the meaning that it has by reference', async (t) => {
    const namespace = await testNamespace(t, 'wrapmeaning');
    await apply(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: tell}
spec:
  params: [{name: word, default: of-the-task}]
  workspaces: [{name: out}, {name: cache, optional: true}]
  steps:
  - name: run
    image: SHELL_IMAGE
    command: [sh, -ec]
    args: ["cd $(workspaces.out.path); ls; echo $(params.word) $(workspaces.out.bound) $(workspaces.cache.bound); touch told"]
`,
      pipeline('meaning', [
        script('first', 'echo x > x'),
        `
- name: tell
  runAfter: [first]
  taskRef:
    resolver: cluster
    params: [{name: kind, value: task}, {name: name, value: $(params.task)}, {name: namespace, value: $(context.pipelineRun.namespace)}]
  workspaces: [{name: out, workspace: w}]`,
      ])
        .replace('workspaces: [{name: w}]', 'workspaces: [{name: w}, {name: out, optional: true}]')
        .replace('spec:', 'spec:\n  params: [{name: task, default: tell}, {name: word, default: of-the-pipeline}]'),
    );
    assert.equal(verdict(await runWrapped(namespace, 'meaning')), 'True Succeeded');
    assert.match(await logOf(namespace, 'meaning', 'tell'), /x\nof-the-task true false\n/);
  });

  it('gives a workspace under two names two folders, and the next Task what both have', async (t) => {
    const namespace = await testNamespace(t, 'wrapnames');
    const both = `
- name: both
  runAfter: [first]
  workspaces: [{name: in, workspace: w}, {name: out, workspace: w}]
  taskSpec:
    workspaces: [{name: in}, {name: out}]
    steps:
    - name: run
      image: SHELL_IMAGE
      command: [sh, -ec]
      args: ["cp $(workspaces.in.path)/a $(workspaces.out.path)/b; rm $(workspaces.out.path)/c; echo d > $(workspaces.in.path)/d"]`;
    await apply(
      namespace,
      pipeline('names', [
        script('first', 'echo a > a; echo c > c'),
        both,
        script('last', `${have('last')}; cat b`, 'runAfter: [both]'),
      ]),
    );
    assert.equal(verdict(await runWrapped(namespace, 'names')), 'True Succeeded');
    assert.match(await logOf(namespace, 'names', 'last'), /last: a b d \na\n/);
  });

  it('hands on what a sidecar writes, and takes away nothing that it has written before the workspace came', async (t) => {
    const namespace = await testNamespace(t, 'wrapsidecar');
    const sidecar = (text: string): string => `
sidecars:
- name: helper
  image: SHELL_IMAGE
  command: [sh, -ec]
  args: [${JSON.stringify(`cd $(workspaces.w.path); ${text}; touch /tmp/ready; sleep 600`)}]
  readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}`;
    const asked =
      'touch /tmp/ready; until [ -e question ]; do sleep 0.2; done; echo 42 > answer.part; mv answer.part answer';
    await apply(
      namespace,
      pipeline('sidecars', [
        script('first', have('first'), '', sidecar('echo early > early')),
        script(
          'second',
          `touch question; until [ -e answer ]; do sleep 0.2; done; ${have('second')}`,
          'runAfter: [first]',
          sidecar(asked),
        ),
        script('third', `${have('third')}; cat answer`, 'runAfter: [second]'),
        script('refused', 'echo never', 'runAfter: [third]', sidecar('mkdir certs; echo x > certs/ca.pem')),
      ]),
    );
    const done = await runWrapped(namespace, 'sidecars');
    assert.equal(verdict(done), 'False Failed');
    assert.match(await logOf(namespace, 'sidecars', 'first'), /first: early \n/);
    assert.match(await logOf(namespace, 'sidecars', 'second'), /second: answer early question \n/);
    assert.match(await logOf(namespace, 'sidecars', 'third'), /third: answer early question \n42\n/);
    const refused = await logOf(namespace, 'sidecars', 'refused');
    assert.match(refused, /has files already, which would be removed: certs\. If a sidecar has written them/);
    assert.doesNotMatch(refused, /never/);
  });

  it('keeps the results of its Tasks as long as they fit beside the image, and names them where they do not', async (t) => {
    const namespace = await testNamespace(t, 'wrapresults');
    const filled = (bytes: number): string =>
      `echo x > file; head -c ${bytes} /dev/zero | tr '\\0' x > $(results.report.path)`;
    const results = 'results: [{name: report}]';
    await apply(
      namespace,
      pipeline('fits', [
        script('first', filled(3200), '', results),
        // Two containers more have 3072 bytes each.
        script('second', filled(2300), 'runAfter: [first]', results),
        script('large', filled(3500), 'runAfter: [second]\nonError: continue', results),
        script('after', have('after'), 'runAfter: [large]'),
      ]),
    );
    const done = await runWrapped(namespace, 'fits');
    assert.match(verdict(done), /^True /);
    for (const [task, bytes] of [
      ['first', 3200],
      ['second', 2300],
    ] as const) {
      assert.equal(String((await resultsOf(namespace, 'fits', task)).report).length, bytes);
    }
    const log = await logOf(namespace, 'fits', 'large');
    assert.match(
      log,
      /the results take \d+ bytes, but the container's termination message holds 3072: report of an earlier step \(35\d\d bytes\)/,
    );
    assert.equal(verdict(await taskRunOf(namespace, 'fits', 'large')).split(' ')[0], 'False');
    assert.deepEqual(
      await readdir(await pulled(targetIn(namespace).replace('$(context.run.name)-{{workspace}}', 'fits-w'))),
      ['file'],
    );
  });
});

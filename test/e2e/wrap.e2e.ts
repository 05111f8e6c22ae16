import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { type KubeObject, pods } from '../../runtime/kube/resource.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { apply } from './support/apply.ts';
import { subpipe } from './support/command.ts';
import { context } from './support/context.ts';
import { pushGitImage } from './support/git-image.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent } from './support/pipelines.ts';
import { childrenOf, ended, logOf, run, until, verdict } from './support/runs.ts';
import { images, ms, pipeline, pulled, registry, script } from './support/wrapped.ts';

const skip = context.ownCluster ? false : 'no registry of our own beside a cluster that KUBECONFIG names';

const flags = ['--images', images, '--insecure', registry, '--logs', 'failed'];

describe('workspaces that images hand on', { concurrency: 2, skip }, () => {
  it("runs the custom task's own example, with a git repository of this cluster", async (t) => {
    const namespace = await testNamespace(t, 'wrapseed');
    const image = `${registry}/e2e/git:1`;
    await pushGitImage(image, {
      'ko-app/git-init': `
for word; do case $word in
  -url=*) url=\${word#-url=};; -revision=*) revision=\${word#-revision=};; -path=*) path=\${word#-path=};;
esac; done
export HOME=/tmp
git clone -b "$revision" "$url" /tmp/clone
cp -a /tmp/clone/. "$path"`,
      'bin/go': 'test -d .git; cat main.go; echo built > hello',
    });
    await apply(
      namespace,
      `
apiVersion: v1
kind: ServiceAccount
metadata: {name: ocipipeline-sa}
---
apiVersion: v1
kind: Pod
metadata: {name: git, labels: {app: git}}
spec:
  containers:
  - name: git
    image: ${image}
    command: [sh, -ec]
    args:
    - |
      export HOME=/tmp
      git init -b main /tmp/src
      cd /tmp/src
      echo 'package main' > main.go
      git add .
      git -c user.name=a -c user.email=a@example.com commit -m first
      cp -a .git /srv/app.git
      git -C /srv/app.git update-server-info
      exec httpd -f -p 8080 -h /srv
    volumeMounts: [{name: srv, mountPath: /srv}]
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
  volumes: [{name: srv, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: git}
spec: {selector: {app: git}, ports: [{port: 80, targetPort: 8080}]}
`,
    );
    type Pod = KubeObject & { status?: { conditions?: { type: string; status: string }[] } };
    const isReady = ({ status }: Pod): boolean =>
      status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
    await until<Pod>(pods, namespace, 'git', isReady, ms);
    // As it stands in its README, but for images, registry and repository.
    const text = (await readFile(path.join(import.meta.dirname, '../wrap/seed/run.yaml'), 'utf8'))
      .replace(/image: \S+git-init\S+/, `image: ${image}`)
      .replace('docker.io/library/golang:latest', image)
      .replace('docker.io/vdemeester/pipelinerun', `${registry}/${namespace}/pipelinerun`)
      .replace('https://github.com/vdemeester/go-helloworld-app', `http://git.${namespace}.svc.cluster.local/app.git`);
    const done = await subpipe(['wrap', '-f', '-', '--create', '-n', namespace, ...flags], text);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    const log = await logOf(namespace, 'run-simple-pipeline', 'build');
    assert.match(log, /package main/);
    // The tag of the target names what the last Task has left, with all that came before it.
    const folder = await pulled(`${registry}/${namespace}/pipelinerun-run-simple-pipeline-sources:latest`);
    assert.equal(await readFile(path.join(folder, 'hello'), 'utf8'), 'built\n');
    assert.equal(await readFile(path.join(folder, 'main.go'), 'utf8'), 'package main\n');
  });

  it('go from Task to Task: side by side, skipped, with a matrix, tried again, at the end', async (t) => {
    const namespace = await testNamespace(t, 'wrapgraph');
    const after = 'runAfter: [clone]';
    const never = "when: [{input: 'a', operator: in, values: [b]}]";
    const always = "when: [{input: 'a', operator: in, values: [a]}]";
    await apply(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: clone}
spec:
  workspaces: [{name: out}]
  steps:
  - name: run
    image: SHELL_IMAGE
    command: [sh, -ec]
    args: ["cd $(workspaces.out.path); echo base > base; echo gone > gone; mkdir src; echo one > src/a; chmod 600 src/a"]
`,
      pipeline(
        'graph',
        [
          '\n- name: clone\n  taskRef: {name: clone}\n  workspaces: [{name: out, workspace: w}]',
          script('left', 'ls; rm gone; echo left > left', after),
          script('right', 'ls; echo right > right', after),
          script('skipped', 'echo skipped > skipped', `runAfter: [left]\n${never}`),
          script('chosen', 'ls; echo chosen > chosen', `runAfter: [right]\n${always}`),
          script(
            'each',
            'echo x > each-$(params.letter)',
            `${after}\nmatrix: {params: [{name: letter, value: [a, b, c]}]}`,
            'params: [{name: letter}]',
          ),
          script(
            'flaky',
            'echo x > try-$(context.task.retry-count); test $(context.task.retry-count) = 1',
            `${after}\nretries: 1`,
          ),
          script('peek', 'ls; cat src/a', `${after}`, '').replace(
            'workspaces: [{name: w}]\n\n    steps',
            'workspaces: [{name: w, readOnly: true}]\n\n    steps',
          ),
          `
- name: together
  runAfter: [skipped, chosen, each, flaky, peek]
  workspaces: [{name: w}]
  taskSpec:
    workspaces: [{name: w}]
    steps:
    - {name: list, image: SHELL_IMAGE, command: [sh, -ec, "cd $(workspaces.w.path); echo have: $(ls); echo together > together"]}
    - {name: inside, image: SHELL_IMAGE, workingDir: $(workspaces.w.path)/src, command: [sh, -ec, "echo inside: $(cat a) in $(pwd)"]}`
            .replace('$(ls)', "`ls | tr '\\\\n' ' '`")
            .replace('$(cat a)', '`cat a`')
            .replace('$(pwd)', '`pwd`'),
        ],
        [script('report', "echo \"at the end: `ls | tr '\\n' ' '`\"")],
      ),
    );
    const params = {
      pipeline: 'graph',
      workspaces: '[{name: w, emptyDir: {}}]',
      'oci-workspaces': `${registry}/${namespace}/$(context.run.name)-{{workspace}}:latest`,
      'oci-images': images,
      'oci-insecure': registry,
    };
    const done = await run(namespace, parent(call('call', params)), ms);
    assert.equal(verdict(done), 'True Succeeded', await logOf(namespace, 'main', 'call'));
    const [child] = await childrenOf(namespace, 'main');
    const name = child?.metadata.name ?? '';
    const have = 'base chosen each-a each-b each-c left right src try-1';
    const log = await logOf(namespace, name, 'together');
    assert.match(log, new RegExp(`have: ${have}\\n`));
    assert.match(log, /inside: one in \/workspace\/w\/src/);
    assert.match(
      await logOf(namespace, name, 'report'),
      new RegExp(`at the end: ${have.replace('try', 'together try')} \\n`),
    );
    assert.match(await logOf(namespace, name, 'peek'), /base\ngone\nsrc\none\n/);
  });

  it('tasks of finally see what was pushed before a Task failed, and nothing of another run', async (t) => {
    const namespace = await testNamespace(t, 'wrapfail');
    // The repository and tag are the same for all runs.
    const target = `${registry}/${namespace}/shared:latest`;
    const see = script('report', "echo \"at the end: `ls | tr '\\n' ' '`\"");
    const tasks = [
      script('first', 'test -z "`ls`"; echo x > first-$(context.taskRun.name)'),
      script('second', 'echo x > second; false', 'runAfter: [first]'),
    ];
    await apply(namespace, pipeline('fails', tasks, [see]));
    for (const name of ['one', 'two']) {
      const text = `{apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {name: ${name}}, spec: {pipelineRef: {name: fails}, workspaces: [{name: w, emptyDir: {}}]}}`;
      const wrap = ['wrap', '-f', '-', '-n', namespace, '--images', images, '--insecure', registry, '--target', target];
      const wrapped = await subpipe(wrap, text);
      assert.equal(wrapped.code, 0, wrapped.stderr);
      await apply<PipelineRun>(namespace, wrapped.stdout);
      assert.equal(verdict(await ended(namespace, name, ms)), 'False Failed');
      assert.match(await logOf(namespace, name, 'report'), new RegExp(`at the end: first-${name}-first \\n`));
    }
  });
});

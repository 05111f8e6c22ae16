import assert from 'node:assert/strict';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { registryTlsOf } from '../cluster/network.ts';
import { settingsFrom } from '../cluster/settings.ts';
import { makeBundle } from '../support/bundle.ts';
import { makeFolder } from '../support/folder.ts';
import { gitBackend, makeRepository, withGit } from '../support/git-server.ts';
import { serve } from '../support/http-server.ts';
import { apply } from './support/apply.ts';
import { context } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent } from './support/pipelines.ts';
import { childrenOf, logOf, run, verdict } from './support/runs.ts';
import { images, ms, pipeline, registry, runWrapped, script, targetIn } from './support/wrapped.ts';

const { network } = settingsFrom(process.env);
const skip = context.ownCluster ? withGit.skip : 'not the project’s own cluster';

/** A Task that says what it finds in its workspace, which it calls `out`, and adds a file. */
const taskText = (name: string): string => `
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: ${name}}
spec:
  params: [{name: word, default: by-default}]
  workspaces: [{name: out}]
  steps:
  - name: run
    image: ${context.shellImage}
    workingDir: $(workspaces.out.path)
    command: [sh, -ec]
    args: ["echo ${name} has: *; echo $(params.word) > from-${name}"]
`;

/** A pipeline task whose Task a resolver finds. */
const remote = (name: string, resolver: string, params: Record<string, string>, after: string[] = []): string => `
- name: ${name}
  runAfter: ${JSON.stringify(after)}
  workspaces: [{name: out, workspace: w}]
  taskRef: ${JSON.stringify({ resolver, params: Object.entries(params).map(([key, value]) => ({ name: key, value })) })}`;

describe('a wrapped Pipeline whose Tasks resolvers find', { skip }, () => {
  it('hands its workspace on from Tasks of another namespace, of a git repository and of a bundle', async (t) => {
    const namespace = await testNamespace(t, 'wrapfar');
    const library = await testNamespace(t, 'library');
    await apply(library, taskText('near'));
    await using folder = await makeFolder({ 'work/tasks/git.yaml': taskText('git') });
    makeRepository(path.join(folder.path, 'work'), path.join(folder.path, 'team/tasks.git'));
    await using server = await serve(gitBackend(folder.path), undefined, network.host);
    const { manifest, blobs } = await makeBundle([{ name: 'bundled', kind: 'task', text: taskText('bundled') }]);
    const to = await Registry.open(parseName(`${registry}/e2e/${namespace}`), { plainHttp: true });
    for (const { descriptor, bytes } of blobs) await to.writeBlob(descriptor, () => Readable.from([bytes]));
    await to.writeManifest(manifest, 'v1');
    const bundle = `${registryTlsOf(network)}/e2e/${namespace}:v1`;
    const url = `${server.url}/team/tasks.git`;
    await apply(
      namespace,
      pipeline('far', [
        remote('near', 'cluster', { kind: 'task', name: 'near', namespace: library }),
        remote('git', 'git', { url, revision: 'main', pathInRepo: 'tasks/git.yaml' }, ['near']),
        remote('bundled', 'bundles', { bundle, kind: 'task', name: 'bundled' }, ['near']),
        script('last', 'echo last has: *; cat from-*', 'runAfter: [git, bundled]'),
      ]),
    );
    const assertAll = async (name: string): Promise<void> => {
      assert.match(await logOf(namespace, name, 'git'), /git has: from-near\n/);
      assert.match(await logOf(namespace, name, 'bundled'), /bundled has: from-near\n/);
      assert.match(
        await logOf(namespace, name, 'last'),
        /last has: from-bundled from-git from-near\nby-default\nby-default\nby-default\n/,
      );
    };
    // By the Task subpipe, with the rights of its service account.
    const params = {
      pipeline: 'far',
      workspaces: '[{name: w, emptyDir: {}}]',
      'oci-workspaces': targetIn(namespace),
      'oci-images': images,
      'oci-insecure': registry,
    };
    const done = await run(namespace, parent(call('call', params)), ms);
    assert.equal(verdict(done), 'True Succeeded', await logOf(namespace, 'main', 'call'));
    const [child] = await childrenOf(namespace, 'main');
    await assertAll(child?.metadata.name ?? '');
    // By the command.
    assert.equal(verdict(await runWrapped(namespace, 'far')), 'True Succeeded');
    await assertAll('far');
  });
});

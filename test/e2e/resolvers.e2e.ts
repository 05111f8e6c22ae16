import assert from 'node:assert/strict';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { registryOf, registryTlsOf } from '../cluster/network.ts';
import { settingsFrom } from '../cluster/settings.ts';
import { makeBundle } from '../support/bundle.ts';
import { makeFolder } from '../support/folder.ts';
import { gitBackend, makeRepository, withGit } from '../support/git-server.ts';
import { serve } from '../support/http-server.ts';
import { apply } from './support/apply.ts';
import { context } from './support/context.ts';
import { serveFiles } from './support/file-server.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent, scriptPipeline } from './support/pipelines.ts';
import { childrenOf, logOf, run, verdict } from './support/runs.ts';
import { tektonIsAtLeast } from './support/tekton.ts';

const network = settingsFrom(process.env).network;

/** Where a server of the machine or the registry is reached from pods is known of the project's own cluster only. */
const own = { skip: context.ownCluster ? false : 'not the project’s own cluster' };

/** A Pipeline with a required param, which the call must have checked before there is a child. */
const remote = scriptPipeline('remote', 'echo $(params.word) from afar', '  params: [{name: word}]').replaceAll(
  'SHELL_IMAGE',
  context.shellImage,
);

/** A pipelineRef, as users write it. */
function ref(resolver: string, params: Record<string, string>): string {
  const list = Object.entries(params).map(([name, value]) => ({ name, value }));
  return JSON.stringify({ resolver, params: list });
}

/** Calls {@link remote} by a reference, once as it is wanted and once with a param that it does not have. */
async function callBoth(namespace: string, reference: string): Promise<PipelineRun[]> {
  const done = await run(
    namespace,
    parent(
      [
        call('good', { 'pipeline-ref': reference, word: 'good' }),
        call('bad', { 'pipeline-ref': reference, words: 'bad' }, 'onError: continue\n'),
      ].join('\n'),
    ),
  );
  assert.equal(verdict(done), 'True Succeeded', await logOf(namespace, 'main', 'good'));
  assert.match(await logOf(namespace, 'main', 'good'), /\[good\/job\/run\] good from afar/);
  assert.match(await logOf(namespace, 'main', 'bad'), /unknown param words \(it has word\); missing param word/);
  const children = await childrenOf(namespace, 'main');
  assert.equal(children.length, 1, 'the call that does not fit has made no child');
  return children;
}

describe('a pipelineRef of a Tekton resolver is called, and checked beforehand', { concurrency: 3 }, () => {
  it('cluster: a Pipeline of another namespace', async (t) => {
    const namespace = await testNamespace(t, 'resolver');
    const elsewhere = await testNamespace(t, 'library');
    await apply(elsewhere, remote);
    const params = { kind: 'pipeline', name: 'remote', namespace: elsewhere };
    const [child] = await callBoth(namespace, ref('cluster', params));
    assert.equal(child?.spec.pipelineRef?.resolver, 'cluster');
  });

  it('http: from a server in the cluster', async (t) => {
    const namespace = await testNamespace(t, 'http');
    const url = await serveFiles(namespace, { 'pipeline.yaml': remote });
    await callBoth(namespace, ref('http', { url: `${url}/pipeline.yaml` }));
  });

  it('hub: a version of a package of Artifact Hub', async (t) => {
    if (!(await tektonIsAtLeast('1.12'))) return t.skip('the hub resolver has no param url before Tekton 1.12');
    const namespace = await testNamespace(t, 'hub');
    // Artifact Hub's API, as far as Tekton asks: /packages/tekton-KIND/REPOSITORY/NAME, and /VERSION below it.
    const folder = 'api/v1/packages/tekton-pipeline/catalog/remote';
    const url = await serveFiles(namespace, {
      [`${folder}/index.html`]: JSON.stringify({ available_versions: [{ version: '0.1.0' }, { version: '0.2.0' }] }),
      [`${folder}/0.2.0`]: JSON.stringify({ data: { manifestRaw: remote } }),
    });
    const params = { url, kind: 'pipeline', catalog: 'catalog', name: 'remote', version: '0.2' };
    await callBoth(namespace, ref('hub', params));
  });

  it('git: a file of a branch and of a commit', { ...own, ...withGit }, async (t) => {
    const namespace = await testNamespace(t, 'git');
    await using folder = await makeFolder({ 'work/ci/pipeline.yaml': remote });
    const commit = makeRepository(path.join(folder.path, 'work'), path.join(folder.path, 'team/ci.git'), ['release']);
    await using server = await serve(gitBackend(folder.path), undefined, network.host);
    const repository = { url: `${server.url}/team/ci.git`, pathInRepo: 'ci/pipeline.yaml' };
    await callBoth(namespace, ref('git', { ...repository, revision: 'release' }));
    const absent = ref('git', { ...repository, revision: commit, pathInRepo: 'ci/none.yaml' });
    const byCommit = [
      call('commit', { 'pipeline-ref': ref('git', { ...repository, revision: commit }), word: 'committed' }),
      call('absent', { 'pipeline-ref': absent }, 'onError: continue\n'),
    ];
    const done = await run(namespace, parent(byCommit.join('\n')).replace('name: main', 'name: second'));
    assert.equal(verdict(done), 'True Succeeded');
    assert.match(await logOf(namespace, 'second', 'commit'), /\[commit\/job\/run\] committed from afar/);
    assert.match(
      await logOf(namespace, 'second', 'absent'),
      /the Pipeline of the git resolver cannot be resolved: .*file does not exist/,
    );
  });

  it('bundles: a Tekton bundle of a registry', own, async (t) => {
    const namespace = await testNamespace(t, 'bundles');
    const repository = `e2e/${namespace}`;
    const { manifest, blobs } = await makeBundle([
      { name: 'other', kind: 'task', text: 'kind: Task\n' },
      { name: 'remote', kind: 'pipeline', text: remote },
    ]);
    const registry = await Registry.open(parseName(`${registryOf(network)}/${repository}`), { plainHttp: true });
    for (const { descriptor, bytes } of blobs) {
      await registry.writeBlob(descriptor, () => Readable.from([bytes]));
    }
    await registry.writeManifest(manifest, 'v1');
    const bundle = `${registryTlsOf(network)}/${repository}:v1`;
    await callBoth(namespace, ref('bundles', { bundle, kind: 'pipeline', name: 'remote' }));
  });
});

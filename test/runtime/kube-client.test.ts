import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { explain, hasCode, SubpipeError } from '../../runtime/errors.ts';
import { KubeClient } from '../../runtime/kube/client.ts';
import { pipelineRuns, pods } from '../../runtime/kube/resource.ts';
import { redact } from '../../runtime/redact.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { FakeKube } from '../fakes/kube.ts';
import { makeFolder } from '../support/folder.ts';
import { clientOf } from '../support/kube.ts';
import { addRun } from '../support/tekton.ts';

const run = (name: string): PipelineRun => ({ metadata: { name }, spec: {} });

async function failure(promise: Promise<unknown>): Promise<SubpipeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (one: unknown) => one,
  );
  assert.ok(error instanceof SubpipeError, String(error));
  return error;
}

test('objects are created, read, listed, patched and deleted', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const { client } = use;
  const created = await client.create(pipelineRuns, 'ci', run('a'));
  assert.ok(created.metadata.resourceVersion !== undefined && created.metadata.uid !== undefined);
  assert.equal(kube.find(pipelineRuns, 'a')?.kind, 'PipelineRun');
  await client.patch(pipelineRuns, 'ci', 'a', { spec: { status: 'Cancelled' }, metadata: { labels: { x: 'y' } } });
  assert.equal((await client.get<PipelineRun>(pipelineRuns, 'ci', 'a')).spec.status, 'Cancelled');
  addRun(kube, 'b');
  const list = await client.list<PipelineRun>(pipelineRuns, 'ci', { labelSelector: 'x=y' });
  assert.deepEqual(
    list.items.map(({ metadata }) => metadata.name),
    ['a'],
  );
  await client.delete(pipelineRuns, 'ci', 'a');
  assert.equal(kube.find(pipelineRuns, 'a'), undefined);
  assert.equal(client.requests, 5);
});

test('what the server refuses is an error with its code, its words and what to do', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const { client } = use;
  assert.equal((await failure(client.get(pipelineRuns, 'ci', 'none'))).code, 'NOT_FOUND');
  addRun(kube, 'a');
  assert.equal((await failure(client.create(pipelineRuns, 'ci', run('a')))).code, 'CONFLICT');
  kube.admission = () => 'invalid value: spec';
  const refused = await failure(client.create(pipelineRuns, 'ci', run('b')));
  assert.equal(refused.code, 'INVALID');
  assert.match(
    explain(refused),
    /^cannot create pipelineruns\.tekton\.dev b in namespace ci: admission webhook "validation/,
  );
  kube.forbid({ verb: 'delete' });
  const denied = await failure(client.delete(pipelineRuns, 'ci', 'a'));
  assert.equal(denied.code, 'FORBIDDEN');
  assert.match(
    explain(denied),
    /^cannot delete pipelineruns\.tekton\.dev a in namespace ci: pipelineruns\.tekton\.dev "a" is forbidden: User .* The service account needs the verb delete on pipelineruns\.tekton\.dev in namespace ci/,
  );
});

test('a page of a gateway that is no Status is quoted', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  kube.fail({ verb: 'get' }, { status: 418, message: 'short and stout' });
  assert.match(explain(await failure(use.client.get(pipelineRuns, 'ci', 'x'))), /: short and stout\.$/);
});

for (const status of [429, 500, 503, 504]) {
  test(`a server that says ${status} is asked again`, async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    kube.fail({ verb: 'create' }, { status, headers: status === 429 ? { 'retry-after': '0' } : {} }, 2);
    await use.client.create(pipelineRuns, 'ci', run('a'));
    assert.equal(kube.count({ verb: 'create' }), 3);
  });
}

test('a server that is restarted is asked again', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addRun(kube, 'a');
  await kube.stop();
  const got = use.client.get(pipelineRuns, 'ci', 'a');
  await new Promise((resolve) => setTimeout(resolve, 150));
  await kube.listen();
  assert.equal((await got).metadata.name, 'a');
});

test('a server behind a gateway keeps the path of its address', async () => {
  await using kube = await FakeKube.start({ base: '/k8s/clusters/one' });
  await using use = await clientOf(kube);
  addRun(kube, 'a');
  assert.equal((await use.client.get(pipelineRuns, 'ci', 'a')).metadata.name, 'a');
});

test('the log of a container comes as it is written, and ends with it', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  kube.logs.write('pod', 'step-run', 'one');
  const body = await use.client.podLog('ci', 'pod', { container: 'step-run', follow: true });
  kube.logs.write('pod', 'step-run', 'two');
  kube.logs.end('pod', 'step-run');
  assert.equal(Buffer.concat(await body.toArray()).toString(), 'one\ntwo\n');
  assert.equal(kube.requests[0]?.resource, `${pods.plural}/log`);
});

test("a pod's service account is used: its CA, its namespace and its token, read again as it rotates", async () => {
  await using kube = await FakeKube.start({ tls: true });
  await using account = await makeFolder({ 'ca.crt': kube.ca ?? '', namespace: 'team\n', token: 'first-token\n' });
  const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(kube.port) };
  const client = new KubeClient({ env, accountFolder: account.path });
  assert.equal((await client.config()).namespace, 'team');
  kube.token = 'first-token';
  await client.create(pipelineRuns, 'team', run('a'));
  kube.token = 'second-token';
  await account.write('token', 'second-token');
  await client.get(pipelineRuns, 'team', 'a');
  assert.deepEqual([...kube.credentials], ['Bearer first-token', 'Bearer second-token']);
  assert.equal(redact('first-token second-token'), '*** ***');
});

test('a token that is refused is read again once, because it may have been rotated in between', async () => {
  await using kube = await FakeKube.start({ tls: true });
  await using account = await makeFolder({ 'ca.crt': kube.ca ?? '', namespace: 'ci', token: 'old-token' });
  const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(kube.port) };
  const client = new KubeClient({ env, accountFolder: account.path });
  addRun(kube, 'a');
  kube.token = 'new-token';
  const error = await failure(client.get(pipelineRuns, 'ci', 'a'));
  assert.equal(error.code, 'FORBIDDEN');
  assert.match(explain(error), /Unauthorized\. The API server does not accept these credentials\.$/);
  assert.equal(kube.requests.length, 2);
});

test('a server with a certificate of another CA is refused', async () => {
  await using kube = await FakeKube.start({ tls: true });
  await using other = await FakeKube.start({ tls: true });
  await using account = await makeFolder({ 'ca.crt': other.ca ?? '', namespace: 'ci', token: 'some-token' });
  const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(kube.port) };
  const client = new KubeClient({ env, accountFolder: account.path });
  const error = await failure(
    client.open({ verb: 'get', resource: 'x', namespace: 'ci' }, '/api/v1/namespaces/ci/pods', { retry: false }),
  );
  assert.match(explain(error), /certificate/);
  assert.equal(kube.requests.length, 0);
});

test('a kubeconfig with a CA, a namespace and a token works', async () => {
  await using kube = await FakeKube.start({ tls: true });
  kube.token = 'laptop-token';
  await using use = await clientOf(kube, { token: 'laptop-token' });
  addRun(kube, 'a');
  assert.equal((await use.client.config()).namespace, 'ci');
  await use.client.get(pipelineRuns, 'ci', 'a');
});

test('a kubeconfig is read again when its token is refused', async () => {
  await using kube = await FakeKube.start();
  kube.token = 'token-one';
  await using use = await clientOf(kube, { token: 'token-one' });
  addRun(kube, 'a');
  await use.client.get(pipelineRuns, 'ci', 'a');
  kube.token = 'token-two';
  await writeFile(use.kubeconfig, kube.kubeconfig({ user: { token: 'token-two' } }));
  await use.client.get(pipelineRuns, 'ci', 'a');
  assert.deepEqual([...kube.credentials], ['Bearer token-one', 'Bearer token-two']);
});

test('a kubeconfig is found by KUBECONFIG of the given environment, before the service account', async () => {
  await using kube = await FakeKube.start();
  await using account = await makeFolder({ 'ca.crt': '', namespace: 'pod', token: 'x' });
  await using folder = await makeFolder({ one: kube.kubeconfig({ namespace: 'first' }) });
  const env = { KUBECONFIG: `${folder.path}/one`, KUBERNETES_SERVICE_HOST: '127.0.0.1' };
  const client = new KubeClient({ env, accountFolder: account.path });
  assert.equal((await client.config()).namespace, 'first');
});

test('a kubeconfig is found in the home folder', async () => {
  await using kube = await FakeKube.start();
  await using home = await makeFolder({ '.kube/config': kube.kubeconfig({ namespace: 'home' }) });
  assert.equal((await new KubeClient({ env: { HOME: home.path } }).config()).namespace, 'home');
});

test('no cluster at all is bad input, said at once', async () => {
  await using home = await makeFolder();
  const error = await failure(new KubeClient({ env: { HOME: home.path } }).config());
  assert.ok(hasCode(error, 'INVALID'));
  assert.match(explain(error), /^there is no Kubernetes cluster to talk to\. Set KUBECONFIG or --kubeconfig/);
});

test('a kubeconfig whose login plugin fails is bad input, with what the plugin said', async () => {
  await using kube = await FakeKube.start();
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'no-such-login-plugin',
    interactiveMode: 'Never',
  };
  await using use = await clientOf(kube, { exec });
  const error = await failure(use.client.config());
  assert.equal(error.code, 'INVALID');
  assert.match(
    explain(error),
    /^the credentials of the kubeconfig's context test cannot be used: .*no-such-login-plugin/,
  );
});

test('a kubeconfig that is not there, no YAML, or without the context is bad input', async () => {
  await using kube = await FakeKube.start();
  await using folder = await makeFolder({ good: kube.kubeconfig(), bad: 'a: [' });
  const at = (name: string, context?: string) =>
    failure(new KubeClient({ env: {}, kubeconfig: `${folder.path}/${name}`, context }).config());
  for (const name of ['none', 'bad']) {
    const error = await at(name);
    assert.equal(error.code, 'INVALID');
    assert.match(error.message, new RegExp(`^the kubeconfig .*/${name} cannot be read$`));
  }
  assert.equal((await at('good', 'other')).message, '--context must be one of test, but is "other"');
});

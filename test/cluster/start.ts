import type { ChildProcess } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Api, connect, eventually, type Wait } from './api.ts';
import { kubeModule, programsOf } from './build.ts';
import { type Component, commandOf, containerdSocket } from './components.ts';
import { writeConfiguration } from './configuration.ts';
import { ClusterError } from './errors.ts';
import { baseLayout, tektonLayout, tektonManifests } from './images.ts';
import { load } from './load.ts';
import { identify, run, start } from './process.ts';
import type { Progress } from './progress.ts';
import { askNameServer, askRegistry, hasCondition } from './questions.ts';
import { type ClusterRecord, writeRecord } from './record.ts';
import { createSandbox, enter, environmentOf, runInside, type Sandbox } from './sandbox.ts';
import { filesOf, type Settings } from './settings.ts';
import { configure, type KubeObject, readManifests } from './tekton.ts';

/**
 * Starts a cluster of which everything is built, and waits until it is ready for use.
 * @param record gets the identities of what is started, and is written as soon as they are known
 */
export async function startCluster(
  settings: Settings,
  record: ClusterRecord,
  progress: Progress,
  outer: AbortSignal,
): Promise<void> {
  const { cache, state, network } = settings;
  const files = filesOf(state);
  const failure = new AbortController();
  const signal = AbortSignal.any([outer, failure.signal]);
  const save = () => writeRecord(files.record, record);

  const sandbox = await progress.stage('namespaces, certificates and configuration', async () => {
    const [made] = await Promise.all([createSandbox(settings), makeCertificates(settings)]);
    record.init = made.init;
    await save();
    await writeConfiguration(state, network, await snapshotterFor(state));
    return made;
  });
  const launch = async (...components: readonly Component[]) => {
    for (const component of components) {
      const child = await startComponent(sandbox, component, record);
      child.once('exit', () => void reportEnd(component, files.logs, failure));
    }
    await save();
  };

  try {
    await launch('etcd', 'containerd', 'apiserver', 'registry', 'registry-tls');
    const api = await connect(state, network);
    try {
      const imagesLoaded = progress.stage('images loaded', () => loadImages(sandbox, cache, record, signal));
      imagesLoaded.catch(() => {}); // Awaited below; the stages before it may fail first.
      await progress.stage('API server', () => eventually('The API server', 60, signal, () => api.get('/readyz')));
      await launch('controller-manager', 'kubelet', 'scheduler', 'proxy', 'dns');
      await progress.stage('objects created', async () => {
        const manifests = await readManifests(tektonManifests(cache, record.tekton));
        const authority = await readFile(files.authority, 'utf8');
        await createAll(api, [storageClass, ...configure(manifests, record.options, authority)]);
      });
      await progress.stage('node', () => api.watchUntil(nodeReady, signal));
      await imagesLoaded;
      await progress.stage('registry and name server', async () => {
        await eventually('The registry', 30, signal, () => askRegistry(network));
        await eventually('The name server', 30, signal, () => askNameServer(network));
      });
      await progress.stage(`Tekton ${record.tekton}`, () => tektonIsReady(api, signal));
    } finally {
      api.close();
    }
  } catch (error) {
    // The end of a component is why the wait for it was cut short.
    throw failure.signal.aborted && !outer.aborted ? failure.signal.reason : error;
  }
  record.phase = 'ready';
  await save();
}

/** Starts one component; `record` then holds its identity. */
export async function startComponent(
  sandbox: Sandbox,
  component: Component,
  record: ClusterRecord,
): Promise<ChildProcess> {
  const [program, args] = enter(sandbox, commandOf(component, sandbox.settings.network));
  const child = await start(program, args, {
    log: join(filesOf(sandbox.settings.state).logs, `${component}.log`),
    env: environmentOf(sandbox.settings),
  });
  const identity = child.pid === undefined ? undefined : await identify(child.pid);
  if (identity === undefined) throw new ClusterError(`${component} ended as soon as it was started.`);
  record.components[component] = identity;
  return child;
}

async function reportEnd(component: Component, logs: string, failure: AbortController): Promise<void> {
  const log = join(logs, `${component}.log`);
  const tail = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-5).join('\n');
  failure.abort(
    new ClusterError(`${component} ended while the cluster was started; the last lines of ${log}:\n${tail}`),
  );
}

async function makeCertificates({ cache, state, network }: Settings): Promise<void> {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const addresses = ['127.0.0.1', network.node, network.apiService];
  await run(join(programsOf(cache, kubeModule), 'kube'), [
    'pki',
    `--folder=${join(state, 'pki')}`,
    `--address=${addresses.join(',')}`,
    `--name=${[...names, 'kubernetes.default.svc.cluster.local'].join(',')}`,
  ]);
}

/** An overlay cannot lie on another one, as it would where the state folder is inside of a container. */
async function snapshotterFor(state: string): Promise<string> {
  const overlayMagic = 0x794c7630;
  return (await statfs(state)).type === overlayMagic ? 'native' : 'overlayfs';
}

async function loadImages(sandbox: Sandbox, cache: string, record: ClusterRecord, signal: AbortSignal): Promise<void> {
  await eventually('containerd', 30, signal, () =>
    runInside(sandbox, ['ctr', '--address', containerdSocket, 'version'], { signal }),
  );
  await load(sandbox, baseLayout(cache), signal);
  await load(sandbox, tektonLayout(cache, record.tekton), signal);
}

/** Claims are bound to folders of the node, below its /tmp, which is the state folder's `tmp`. */
const storageClass: KubeObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'kubernetes.io/host-path',
};

async function createAll(api: Api, objects: readonly KubeObject[]): Promise<void> {
  const waves = [
    objects.filter(({ kind }) => kind === 'Namespace'),
    objects.filter(({ kind }) => kind !== 'Namespace' && kind !== 'Deployment'),
    objects.filter(({ kind }) => kind === 'Deployment'),
  ];
  for (const wave of waves) await Promise.all(wave.map((object) => api.create(object)));
}

async function tektonIsReady(api: Api, signal: AbortSignal): Promise<void> {
  const deployments = [
    ['tekton-pipelines', 'tekton-pipelines-webhook'],
    ['tekton-pipelines', 'tekton-pipelines-controller'],
    ['tekton-pipelines-resolvers', 'tekton-pipelines-remote-resolvers'],
  ];
  const configurations = [
    ['mutatingwebhookconfigurations', 'webhook.pipeline.tekton.dev'],
    ['validatingwebhookconfigurations', 'validation.webhook.pipeline.tekton.dev'],
  ];
  const seconds = 120;
  await Promise.all([
    ...deployments.map(([namespace, name]) => {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments?fieldSelector=metadata.name%3D${name}`;
      return api.watchUntil(
        { what: `${name} is available`, path, seconds, isAsWanted: hasCondition('Available') },
        signal,
      );
    }),
    ...configurations.map(([kind, name]) => {
      const path = `/apis/admissionregistration.k8s.io/v1/${kind}?fieldSelector=metadata.name%3D${name}`;
      return api.watchUntil({ what: `${name} has its rules`, path, seconds, isAsWanted: hasRules }, signal);
    }),
  ]);
  await eventually("Tekton's webhook", 30, signal, () => api.create(probe, { dryRun: true }));
}

const nodeReady: Wait = {
  what: 'the node is ready',
  path: '/api/v1/nodes',
  seconds: 60,
  isAsWanted: hasCondition('Ready'),
};

const probe: KubeObject = {
  apiVersion: 'tekton.dev/v1',
  kind: 'Task',
  metadata: { name: 'probe', namespace: 'default' },
  spec: { steps: [{ name: 'probe', image: 'localhost/busybox:1', command: ['true'] }] },
};

/** Tekton's webhook fills in its own configuration once it is ready to be asked. */
function hasRules(object: Record<string, unknown>): boolean {
  const { webhooks } = object as { webhooks?: { rules?: unknown[]; clientConfig?: { caBundle?: string } }[] };
  return (
    webhooks?.every(({ rules, clientConfig }) => rules !== undefined && clientConfig?.caBundle !== undefined) ?? false
  );
}

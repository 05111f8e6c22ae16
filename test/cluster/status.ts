import { connect } from './api.ts';
import { messageOf } from './errors.ts';
import { registryOf, registryTlsOf, serverOf } from './network.ts';
import { isAlive } from './process.ts';
import { askNameServer, askRegistry, hasCondition } from './questions.ts';
import { type ClusterRecord, readRecord } from './record.ts';
import { filesOf, type Settings } from './settings.ts';
import { kubernetesVersion, registryVersion } from './versions.ts';

export type Check = { name: string; healthy: boolean; detail: string };

/** Asks every part of the cluster how it is. */
export async function inspect(settings: Settings, record: ClusterRecord): Promise<Check[]> {
  const processes = await Promise.all(
    Object.entries(record.components).map(async ([name, identity]): Promise<Check> => {
      const healthy = await isAlive(identity);
      return { name, healthy, detail: healthy ? `process ${identity.pid}` : 'has ended' };
    }),
  );
  const answers = [
    check('registry answers', () => askRegistry(settings.network)),
    check('name server answers', () => askNameServer(settings.network)),
  ];
  const phase: Check = { name: 'up', healthy: record.phase === 'ready', detail: record.phase };
  return [phase, ...processes, ...(await Promise.all(answers)), ...(await apiChecks(settings))];
}

export async function isHealthy(settings: Settings, record: ClusterRecord): Promise<boolean> {
  if (record.phase !== 'ready' || record.init === undefined || !(await isAlive(record.init))) return false;
  return (await inspect(settings, record)).every(({ healthy }) => healthy);
}

async function check(name: string, question: () => Promise<unknown>): Promise<Check> {
  try {
    await question();
    return { name, healthy: true, detail: 'yes' };
  } catch (error) {
    return { name, healthy: false, detail: messageOf(error) };
  }
}

async function apiChecks({ state, network }: Settings): Promise<Check[]> {
  const questions = [
    ['API server answers', '/readyz'],
    ['node ready', '/api/v1/nodes/node', 'Ready'],
    [
      'Tekton controller',
      '/apis/apps/v1/namespaces/tekton-pipelines/deployments/tekton-pipelines-controller',
      'Available',
    ],
    ['Tekton webhook', '/apis/apps/v1/namespaces/tekton-pipelines/deployments/tekton-pipelines-webhook', 'Available'],
    [
      'Tekton resolvers',
      '/apis/apps/v1/namespaces/tekton-pipelines-resolvers/deployments/tekton-pipelines-remote-resolvers',
      'Available',
    ],
  ] as const;
  const api = await connect(state, network).catch(() => undefined);
  if (api === undefined) return [{ name: 'certificates', healthy: false, detail: 'are missing' }];
  try {
    return await Promise.all(
      questions.map(([name, path, condition]) =>
        check(name, async () => {
          const answer = await api.get(path);
          if (condition !== undefined && !hasCondition(condition)(answer as Record<string, unknown>)) {
            throw new Error(`is not ${condition}`);
          }
        }),
      ),
    );
  } finally {
    api.close();
  }
}

/**
 * What `status` prints.
 * @returns the text, and whether all is well
 */
export async function describeStatus(settings: Settings): Promise<{ text: string; healthy: boolean }> {
  const files = filesOf(settings.state);
  const record = await readRecord(files.record);
  if (record === undefined) return { text: 'No cluster is up: run "npm run cluster -- up".', healthy: false };
  const checks = await inspect(settings, record);
  const healthy = checks.every((check) => check.healthy);
  const minutes = (Date.now() - Date.parse(record.started)) / 60_000;
  const facts = [
    ['Kubernetes', kubernetesVersion],
    ['Tekton', `v${record.tekton}`],
    [
      'registry',
      `${registryVersion} at ${registryOf(settings.network)}, over TLS at ${registryTlsOf(settings.network)}`,
    ],
    ['API server', serverOf(settings.network)],
    ['kubeconfig', files.kubeconfig],
    ['authority', files.authority],
    ['logs', files.logs],
    ['started', `${record.started}, ${minutes.toFixed(1)} minutes ago`],
  ] as const;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const text = [
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...checks.map(({ name, healthy: well, detail }) => `${name.padEnd(width)}  ${well ? 'ok' : 'NOT OK'} (${detail})`),
  ].join('\n');
  return { text, healthy };
}

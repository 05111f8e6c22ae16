import { Resolver } from 'node:dns/promises';
import { type Network, registryOf } from './network.ts';

/** Whether an object's status says that a condition is True. */
export const hasCondition = (wanted: string) => (object: Record<string, unknown>) =>
  (object as Conditions).status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false;

type Conditions = { status?: { conditions?: { type: string; status: string }[] } };

/** @throws Error where the registry does not answer as one */
export async function askRegistry(network: Network): Promise<void> {
  const { ok, status } = await fetch(`http://${registryOf(network)}/v2/`, { signal: AbortSignal.timeout(5000) });
  if (!ok) throw new Error(`status ${status}`);
}

/** @throws Error where the name server does not know the API server's Service */
export async function askNameServer(network: Network): Promise<void> {
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers([network.node]);
  const name = 'kubernetes.default.svc.cluster.local';
  const addresses = await resolver.resolve4(name);
  if (!addresses.includes(network.apiService)) throw new Error(`${name} is ${addresses.join(', ')}`);
}

/**
 * The addresses of a cluster, all from 198.18.0.0/15, the range set aside for benchmarks (RFC 2544), so that they meet
 * no network that a machine is likely to be in.
 */
export type Network = {
  index: number;
  /** The host's end of the pair of devices that joins it to the cluster. */
  device: string;
  host: string;
  node: string;
  linkPrefix: number;
  pods: string;
  services: string;
  /** The service `kubernetes` in namespace default. */
  apiService: string;
};

/** How many clusters can run side by side. */
export const networkCount = 15;

export const ports = { api: 6443, registry: 5000, registryTls: 5443 } as const;

/** @param index 0 to 14: which of the networks that can be used side by side */
export function networkOf(index: number): Network {
  const block = index * 16;
  return {
    index,
    device: `subpipe${index}`,
    node: `198.18.255.${index * 4 + 1}`,
    host: `198.18.255.${index * 4 + 2}`,
    linkPrefix: 30,
    pods: `198.18.${block}.0/20`,
    services: `198.19.${block}.0/20`,
    apiService: `198.19.${block}.1`,
  };
}

/** The registry's name in image references, over plain HTTP. */
export const registryOf = (network: Network) => `${network.node}:${ports.registry}`;

/** The same registry over TLS, for clients that insist on it: Tekton's bundle resolver and entrypoint look-up. */
export const registryTlsOf = (network: Network) => `${network.node}:${ports.registryTls}`;

export const serverOf = (network: Network) => `https://${network.node}:${ports.api}`;

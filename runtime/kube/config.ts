import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AgentOptions } from 'node:https';
import { invalid, SubpipeError } from '../errors.ts';
import { addSecret } from '../redact.ts';

/** Where the API server is and how to speak to it. */
export interface KubeConfig {
  server: URL;
  /** The namespace of the context, or of the pod. */
  namespace: string;
  tls: AgentOptions;
  /** Headers of one request. Asked for every request, because tokens rotate. */
  headers(): Promise<Record<string, string>>;
}

export interface KubeConfigOptions {
  env: NodeJS.ProcessEnv;
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

const account = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * A kubeconfig that is named (flag or KUBECONFIG) first, then the pod's service account, then ~/.kube/config.
 * @throws SubpipeError `INVALID` where there is none, or where it cannot be read.
 */
export async function loadKubeConfig(options: KubeConfigOptions): Promise<KubeConfig> {
  const { env } = options;
  const named = options.kubeconfig ?? env.KUBECONFIG;
  const host = env.KUBERNETES_SERVICE_HOST;
  if ((named === undefined || named === '') && host !== undefined && existsSync(`${account}/token`)) {
    return inCluster(host, env.KUBERNETES_SERVICE_PORT ?? '443');
  }
  return fromKubeconfig(options);
}

async function inCluster(host: string, port: string): Promise<KubeConfig> {
  const [ca, namespace] = await Promise.all([
    readFile(`${account}/ca.crt`, 'utf8'),
    readFile(`${account}/namespace`, 'utf8'),
  ]);
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace: namespace.trim(),
    tls: { ca },
    async headers() {
      const token = (await readFile(`${account}/token`, 'utf8')).trim();
      addSecret(token);
      return { authorization: `Bearer ${token}` };
    },
  };
}

/** Laptops only: exec plugins, OIDC and client certificates are client-node's work, loaded when needed. */
async function fromKubeconfig(options: KubeConfigOptions): Promise<KubeConfig> {
  const { KubeConfig: Loader } = await import('@kubernetes/client-node');
  const loader = new Loader();
  try {
    if (options.kubeconfig !== undefined) loader.loadFromFile(options.kubeconfig);
    else loader.loadFromDefault();
  } catch (error) {
    throw invalid(`the kubeconfig ${options.kubeconfig ?? options.env.KUBECONFIG ?? '~/.kube/config'} cannot be read`, {
      cause: error,
    });
  }
  if (options.context !== undefined) {
    if (loader.getContextObject(options.context) === null) {
      const names = loader.getContexts().map(({ name }) => name);
      throw invalid(`--context must be one of ${names.join(', ')}, but is ${JSON.stringify(options.context)}`);
    }
    loader.setCurrentContext(options.context);
  }
  const cluster = loader.getCurrentCluster();
  if (cluster === null) {
    throw new SubpipeError('INVALID', 'there is no Kubernetes cluster to talk to', {
      hint: 'Set KUBECONFIG or --kubeconfig, or run in a pod with a service account.',
    });
  }
  const namespace = loader.getContextObject(loader.getCurrentContext())?.namespace ?? 'default';
  const authenticate = async (): Promise<{ tls: AgentOptions; headers: Record<string, string> }> => {
    const request: AgentOptions & { headers?: unknown; auth?: string } = {};
    await loader.applyToHTTPSOptions(request);
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername, headers, auth } = request;
    const tls = Object.fromEntries(
      Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    const plain = Object.fromEntries(
      Object.entries((headers ?? {}) as Record<string, unknown>).map(([name, value]) => [name, String(value)]),
    );
    if (auth !== undefined) plain.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
    const secret = plain.Authorization ?? plain.authorization;
    if (secret !== undefined) addSecret(secret.replace(/^\S+\s+/, ''));
    return { tls, headers: plain };
  };
  const { tls } = await authenticate();
  return { server: new URL(cluster.server), namespace, tls, headers: async () => (await authenticate()).headers };
}

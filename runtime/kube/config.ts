import { existsSync, readFileSync } from 'node:fs';
import type { AgentOptions } from 'node:https';
import { homedir } from 'node:os';
import path from 'node:path';
import { invalid, type SubpipeError } from '../errors.ts';
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
  /** Where the pod's service account lies, default as Kubernetes mounts it. */
  accountFolder?: string;
}

/**
 * A kubeconfig that is named (flag or KUBECONFIG) first, then the pod's service account, then ~/.kube/config.
 * @throws SubpipeError `INVALID` where there is none, or where it cannot be read.
 */
export async function loadKubeConfig(options: KubeConfigOptions): Promise<KubeConfig> {
  const { env } = options;
  const named = options.kubeconfig ?? env.KUBECONFIG;
  const account = options.accountFolder ?? '/var/run/secrets/kubernetes.io/serviceaccount';
  const host = env.KUBERNETES_SERVICE_HOST;
  if ((named === undefined || named === '') && host !== undefined && existsSync(`${account}/token`)) {
    return inCluster(account, host, env.KUBERNETES_SERVICE_PORT ?? '443');
  }
  return fromKubeconfig(options);
}

function inCluster(account: string, host: string, port: string): KubeConfig {
  // Small files in memory, read at once: the module node:fs/promises takes longer to load than they take to read.
  const ca = readFileSync(`${account}/ca.crt`, 'utf8');
  const namespace = readFileSync(`${account}/namespace`, 'utf8');
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace: namespace.trim(),
    tls: { ca },
    async headers() {
      const token = readFileSync(`${account}/token`, 'utf8').trim();
      addSecret(token);
      return { authorization: `Bearer ${token}` };
    },
  };
}

/** The flag's file, those of KUBECONFIG, or ~/.kube/config where it is there. */
function kubeconfigFiles({ kubeconfig, env }: KubeConfigOptions): string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const named = (env.KUBECONFIG ?? '').split(path.delimiter).filter((file) => file !== '');
  if (named.length > 0) return named;
  const standard = path.join(env.HOME ?? homedir(), '.kube', 'config');
  return existsSync(standard) ? [standard] : [];
}

function noCluster(): SubpipeError {
  return invalid('there is no Kubernetes cluster to talk to', {
    hint: 'Set KUBECONFIG or --kubeconfig, or run in a pod with a service account.',
  });
}

/** Laptops only: exec plugins, OIDC and client certificates are client-node's work, loaded when needed. */
async function fromKubeconfig(options: KubeConfigOptions): Promise<KubeConfig> {
  const files = kubeconfigFiles(options);
  if (files.length === 0) throw noCluster();
  const { KubeConfig: Loader } = await import('@kubernetes/client-node');
  const loader = new Loader();
  for (const [index, file] of files.entries()) {
    try {
      const one = index === 0 ? loader : new Loader();
      one.loadFromFile(file);
      if (one !== loader) loader.mergeConfig(one, true);
    } catch (error) {
      throw invalid(`the kubeconfig ${file} cannot be read`, { cause: error });
    }
  }
  if (options.context !== undefined) {
    if (loader.getContextObject(options.context) === null) {
      const names = loader.getContexts().map(({ name }) => name);
      throw invalid(`--context must be one of ${names.join(', ')}, but is ${JSON.stringify(options.context)}`);
    }
    loader.setCurrentContext(options.context);
  }
  const cluster = loader.getCurrentCluster();
  if (cluster === null) throw noCluster();
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
  const { tls } = await authenticate().catch((error: unknown) => {
    throw invalid(`the credentials of the kubeconfig's context ${loader.getCurrentContext()} cannot be used`, {
      cause: error,
    });
  });
  return { server: new URL(cluster.server), namespace, tls, headers: async () => (await authenticate()).headers };
}

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { ClusterError } from './errors.ts';
import { busyboxImage, tektonImage } from './names.ts';
import type { TektonVersion } from './versions.ts';

/** A Kubernetes object, as far as the harness looks into it. */
export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  data?: Record<string, string>;
  [field: string]: unknown;
};

/**
 * Left out: the events controller (CloudEvents to sinks, which no test has), the webhook's autoscaler (there is nothing
 * that measures pods), and a ConfigMap of no use to one replica.
 */
const leftOut = new Set(['events.yaml', 'webhook-hpa.yaml', 'config-leader-election-events.yaml']);

/** Reads the YAML files of Tekton's own config folder and makes them objects for this cluster. */
export async function renderTekton(config: string, version: TektonVersion): Promise<KubeObject[]> {
  const objects: KubeObject[] = [];
  for (const folder of ['100-namespace', '300-crds', '.', 'resolvers']) {
    for (const name of (await readdir(join(config, folder))).sort()) {
      if (!name.endsWith('.yaml') || leftOut.has(name)) continue;
      const text = await readFile(join(config, folder, name), 'utf8');
      for (const document of loadAll(withIndentedBrackets(text))) {
        if (document !== null && document !== undefined) objects.push(render(document, version));
      }
    }
  }
  return withoutTwins(objects);
}

/** Go's YAML reader takes a closing bracket that is no deeper than its key, as in controller.yaml; js-yaml does not. */
export const withIndentedBrackets = (yaml: string) => yaml.replace(/^( *)([\]}])$/gm, '$1  $2');

/** Replaces what `ko` and Tekton's release pipeline would, and makes the programs start and become ready sooner. */
export function render(document: unknown, version: TektonVersion): KubeObject {
  const replaced: unknown = JSON.parse(JSON.stringify(document), (key, value: unknown) => {
    if (typeof value === 'string') return renderString(value, version);
    if ((key === 'readinessProbe' || key === 'livenessProbe') && isRecord(value)) {
      // Upstream waits 5 s before it asks and 10 s between two questions: most of the time until a cluster is ready.
      return {
        ...value,
        initialDelaySeconds: key === 'readinessProbe' ? 0 : 10,
        periodSeconds: key === 'readinessProbe' ? 1 : 10,
      };
    }
    return value;
  });
  if (!isKubeObject(replaced))
    throw new ClusterError(`Tekton's manifests hold something that is no object: ${JSON.stringify(document)}.`);
  return replaced.kind === 'Deployment' ? trustRegistry(replaced) : replaced;
}

function renderString(text: string, version: TektonVersion): string {
  if (text.startsWith('ko://')) return tektonImage(text.slice(text.lastIndexOf('/') + 1), version);
  if (text.startsWith('cgr.dev/chainguard/busybox')) return busyboxImage;
  return text === 'devel' ? `v${version}` : text;
}

/** Lets Tekton's programs verify the registry's certificate, as upstream does for the controller alone. */
function trustRegistry(deployment: KubeObject): KubeObject {
  const copy = structuredClone(deployment) as KubeObject & { spec: { template: { spec: PodSpec } } };
  const pod = copy.spec.template.spec;
  if (pod.volumes?.some(({ name }) => name === 'config-registry-cert')) return copy;
  if (copy.metadata.name !== 'tekton-pipelines-remote-resolvers') return copy;
  pod.volumes = [...(pod.volumes ?? []), { name: 'config-registry-cert', configMap: { name: 'config-registry-cert' } }];
  for (const container of pod.containers) {
    container.env = [...(container.env ?? []), { name: 'SSL_CERT_FILE', value: '/etc/config-registry-cert/cert' }];
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: 'config-registry-cert', mountPath: '/etc/config-registry-cert' },
    ];
  }
  return copy;
}

type PodSpec = {
  volumes?: { name: string; [field: string]: unknown }[];
  containers: { env?: unknown[]; volumeMounts?: unknown[] }[];
};

/** config/resolvers/config-observability.yaml, for one, is there twice; the first one wins, as namespaces differ. */
function withoutTwins(objects: readonly KubeObject[]): KubeObject[] {
  const seen = new Set<string>();
  return objects.filter(({ kind, metadata }) => {
    const key = `${kind} ${metadata.namespace ?? ''} ${metadata.name}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** What a cluster's user may set: keys of the ConfigMaps feature-flags and config-defaults. */
export type TektonOptions = { features: Record<string, string>; defaults: Record<string, string> };

/** The objects of one cluster: Tekton's, with its options, and the certificate of its registry's authority. */
export function configure(objects: readonly KubeObject[], options: TektonOptions, authority: string): KubeObject[] {
  const extra: Record<string, Record<string, string>> = {
    'feature-flags': options.features,
    'config-defaults': options.defaults,
    'config-registry-cert': { cert: authority },
    // One replica has nobody to compete with, but a first try that fails would be made again after 10 s only.
    'config-leader-election-controller': { 'retry-period': '2s' },
    'config-leader-election-webhook': { 'retry-period': '2s' },
    'config-leader-election-resolvers': { 'retry-period': '2s' },
  };
  const configured = objects.map((object) => {
    const data = object.kind === 'ConfigMap' ? extra[object.metadata.name] : undefined;
    if (data === undefined || !object.metadata.namespace?.startsWith('tekton-pipelines')) return object;
    return { ...object, data: { ...object.data, ...data } };
  });
  const certificate = configured.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'config-registry-cert',
  );
  if (certificate === undefined) return configured;
  return [
    ...configured,
    { ...certificate, metadata: { ...certificate.metadata, namespace: 'tekton-pipelines-resolvers' } },
  ];
}

export async function writeManifests(path: string, objects: readonly KubeObject[]): Promise<void> {
  await writeFile(path, JSON.stringify(objects));
}

export async function readManifests(path: string): Promise<KubeObject[]> {
  const value: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (Array.isArray(value) && value.every(isKubeObject)) return value;
  throw new ClusterError(`${path} holds no list of objects: remove it, and run "up" again.`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isKubeObject(value: unknown): value is KubeObject {
  if (!isRecord(value) || !isRecord(value.metadata)) return false;
  return [value.apiVersion, value.kind, value.metadata.name].every((field) => typeof field === 'string');
}

/** Kubernetes 1.35 and later are stricter about cgroup v1, which many CI machines still have. */
export const kubernetesVersion = 'v1.34.4';

export const registryVersion = 'v3.1.2';

export const dnsVersion = 'v1.12.4';

/** The newest Tekton Pipelines, and the supported LTS lines. The first is the default. */
export const tektonVersions = ['1.15.0', '1.12.1', '1.9.0'] as const;

export type TektonVersion = (typeof tektonVersions)[number];

export const isTektonVersion = (text: string): text is TektonVersion =>
  (tektonVersions as readonly string[]).includes(text);

import { type KubeObject, pods } from '../../../runtime/kube/resource.ts';
import { apply } from './apply.ts';
import { context } from './context.ts';
import { until } from './runs.ts';

type Pod = KubeObject & { status?: { conditions?: { type: string; status: string }[] } };

/** A web server in the cluster that has these files, by path. `SHELL_IMAGE` in them is replaced. @returns its URL. */
export async function serveFiles(namespace: string, files: Record<string, string>): Promise<string> {
  // A key of a ConfigMap has no slash.
  const entries = Object.entries(files).map(([path, text], index) => ({ path, key: `file-${index}`, text }));
  const data = Object.fromEntries(
    entries.map(({ key, text }) => [key, text.replaceAll('SHELL_IMAGE', context.shellImage)]),
  );
  const items = entries.map(({ key, path }) => ({ key, path }));
  await apply(
    namespace,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'files' }, data },
    `
apiVersion: v1
kind: Pod
metadata: {name: files, labels: {app: files}}
spec:
  containers:
  - name: files
    image: SHELL_IMAGE
    command: [httpd, -f, -p, "8080", -h, /srv]
    volumeMounts: [{name: files, mountPath: /srv}]
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
  volumes: [{name: files, configMap: {name: files, items: ${JSON.stringify(items)}}}]
---
apiVersion: v1
kind: Service
metadata: {name: files}
spec: {selector: {app: files}, ports: [{port: 80, targetPort: 8080}]}
`,
  );
  const isReady = (pod: Pod): boolean =>
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  await until<Pod>(pods, namespace, 'files', isReady);
  return `http://files.${namespace}.svc.cluster.local`;
}

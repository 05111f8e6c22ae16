import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { containerdSocket, pki } from './components.ts';
import { type Network, ports, registryOf, registryTlsOf, serverOf } from './network.ts';
import { inside } from './sandbox.ts';
import { dnsVersion, kubernetesVersion, registryVersion } from './versions.ts';

const kubelet = (network: Network) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: `${pki}/ca.crt` },
  },
  authorization: { mode: 'Webhook' },
  address: network.node,
  healthzBindAddress: '127.0.0.1',
  tlsCertFile: `${pki}/kubelet.crt`,
  tlsPrivateKeyFile: `${pki}/kubelet.key`,
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${network.device}`,
  failCgroupV1: false,
  failSwapOn: false,
  clusterDomain: 'cluster.local',
  clusterDNS: [network.node],
  resolvConf: '',
  // Kept after `down`, as the components' own logs are.
  podLogsDir: `${inside}/logs/pods`,
  volumePluginDir: `${inside}/kubelet/plugins`,
  evictionHard: {
    'memory.available': '1Mi',
    'nodefs.available': '1%',
    'nodefs.inodesFree': '1%',
    'imagefs.available': '1%',
  },
  imageGCHighThresholdPercent: 100,
  makeIPTablesUtilChains: false,
  maxPods: 500,
  // What follows shortens the start of pods. The default is to watch each ConfigMap and Secret that a pod uses, which
  // often is not under way yet when the pod's volumes are first made: they then are made again a second later.
  configMapAndSecretChangeDetectionStrategy: 'Get',
  serializeImagePulls: false,
  registryPullQPS: 0,
  eventRecordQPS: 0,
  kubeAPIQPS: 200,
  kubeAPIBurst: 400,
  syncFrequency: '10s',
  nodeStatusUpdateFrequency: '10s',
});

const containerd = (snapshotter: string) => `version = 2
root = "${inside}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[debug]
level = "warn"
[grpc]
address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "${snapshotter}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${inside}/config/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "${inside}/config/registries"
`;

/** Names of Services and pods; every other name does not exist, and clients are told so at once. */
const corefile = (network: Network) => `cluster.local in-addr.arpa ip6.arpa {
  bind ${network.node}
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${inside}/config/admin.kubeconfig
    ttl 1
  }
}
. {
  bind ${network.node}
  errors
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;

// Every pod has a link of its own to the node, and all its traffic is routed. With a bridge, answers from a pod to
// another pod's call of a Service would bypass the address translation on machines without br_netfilter.
const cni = (network: Network) => ({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: network.pods }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

/** How containerd 1.6 is told to pull from a registry; it reads this at each pull, and wants a table of its own. */
const hosts = (url: string) => `server = "${url}"\n[host."${url}"]\ncapabilities = ["pull", "resolve"]\n`;

/** With the certificates in it, so that a copy of the file is all that a client needs. */
async function kubeconfig(state: string, server: string, user: string) {
  const data = async (name: string) => (await readFile(join(state, 'pki', name))).toString('base64');
  const [authority, certificate, key] = await Promise.all(['ca.crt', `${user}.crt`, `${user}.key`].map(data));
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'subpipe', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: user, user: { 'client-certificate-data': certificate, 'client-key-data': key } }],
    contexts: [{ name: 'subpipe', context: { cluster: 'subpipe', user } }],
    'current-context': 'subpipe',
  };
}

const registry = (network: Network, port: number, tls: boolean) => ({
  version: '0.1',
  log: { level: 'warn', accesslog: { disabled: true } },
  storage: { filesystem: { rootdirectory: `${inside}/registry` }, delete: { enabled: true } },
  http: {
    addr: `${network.node}:${port}`,
    // Two processes serve one folder: they must sign upload locations with the same secret.
    secret: 'subpipe-test-cluster',
    ...(tls ? { tls: { certificate: `${pki}/server.crt`, key: `${pki}/server.key` } } : {}),
  },
});

/**
 * Writes the components' files into the state folder, and the user's kubeconfig.
 * @param snapshotter how containerd keeps files: `overlayfs`, or `native` where the state folder is on an overlay itself
 */
export async function writeConfiguration(state: string, network: Network, snapshotter: string): Promise<void> {
  const config = join(state, 'config');
  for (const folder of ['cni', `registries/${registryOf(network)}`, `registries/${registryTlsOf(network)}`]) {
    await mkdir(join(config, folder), { recursive: true });
  }
  await mkdir(join(state, 'bin'), { recursive: true });
  const server = serverOf(network);
  const admin = await kubeconfig(state, server, 'admin');
  // All of these are read as YAML, of which JSON is a part.
  const files: Record<string, unknown> = {
    'kubelet.json': kubelet(network),
    'cni/10-pods.conflist': cni(network),
    'admin.kubeconfig': admin,
    'kubelet.kubeconfig': await kubeconfig(state, server, 'kubelet'),
    'registry.yaml': registry(network, ports.registry, false),
    'registry-tls.yaml': registry(network, ports.registryTls, true),
  };
  await Promise.all([
    ...Object.entries(files).map(([name, value]) => writeFile(join(config, name), JSON.stringify(value, undefined, 2))),
    writeFile(join(config, 'Corefile'), corefile(network)),
    writeFile(join(config, 'containerd.toml'), containerd(snapshotter)),
    writeFile(
      join(config, 'registries', registryOf(network), 'hosts.toml'),
      // containerd 1.6 speaks plain HTTP only to what is listed as a host; "server" alone falls back to HTTPS.
      `[host."http://${registryOf(network)}"]\n  capabilities = ["pull", "resolve"]\n`,
    ),
    writeFile(
      join(config, 'registries', registryTlsOf(network), 'hosts.toml'),
      `${hosts(`https://${registryTlsOf(network)}`)}ca = "${pki}/ca.crt"\n`,
    ),
    writeFile(join(state, 'kubeconfig'), JSON.stringify(admin, undefined, 2), { mode: 0o600 }),
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'kubectl'].map((name) =>
      symlink(`${inside}/cache/bin/kube-${kubernetesVersion}/kube`, join(state, 'bin', name)),
    ),
    symlink(`${inside}/cache/bin/registry-${registryVersion}/registry`, join(state, 'bin/registry')),
    symlink(`${inside}/cache/bin/dns-${dnsVersion}/dns`, join(state, 'bin/dns')),
  ]);
}

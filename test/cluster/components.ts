import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Network, ports, registryOf, registryTlsOf, serverOf } from './network.ts';
import { inside } from './sandbox.ts';
import { dnsVersion, kubernetesVersion, registryVersion } from './versions.ts';

/** The programs of the cluster, by the name that logs and `status` use. */
export type Component =
  | 'etcd'
  | 'containerd'
  | 'registry'
  | 'registry-tls'
  | 'apiserver'
  | 'controller-manager'
  | 'scheduler'
  | 'kubelet'
  | 'proxy'
  | 'dns';

const pki = `${inside}/pki`;
export const containerdSocket = '/run/containerd.sock';

/** The command line of a component. All paths are the sandbox's: see sandbox.ts. */
export function commandOf(component: Component, network: Network): readonly string[] {
  const admin = `--kubeconfig=${inside}/config/admin.kubeconfig`;
  switch (component) {
    case 'etcd':
      return [
        'etcd',
        `--data-dir=${inside}/etcd`,
        '--listen-client-urls=http://127.0.0.1:2379',
        '--advertise-client-urls=http://127.0.0.1:2379',
        '--listen-peer-urls=http://127.0.0.1:2380',
        // A test cluster outlives no power failure, and fsync is what etcd waits for most.
        '--unsafe-no-fsync',
        '--quota-backend-bytes=4294967296',
      ];
    case 'containerd':
      return ['containerd', '--config', `${inside}/config/containerd.toml`];
    case 'registry':
    case 'registry-tls':
      return ['registry', 'serve', `${inside}/config/${component}.yaml`];
    case 'apiserver':
      return [
        'kube-apiserver',
        '--etcd-servers=http://127.0.0.1:2379',
        `--bind-address=${network.node}`,
        `--advertise-address=${network.node}`,
        `--secure-port=${ports.api}`,
        `--service-cluster-ip-range=${network.services}`,
        `--client-ca-file=${pki}/ca.crt`,
        `--tls-cert-file=${pki}/server.crt`,
        `--tls-private-key-file=${pki}/server.key`,
        `--service-account-key-file=${pki}/service-accounts.key`,
        `--service-account-signing-key-file=${pki}/service-accounts.key`,
        '--service-account-issuer=https://kubernetes.default.svc',
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--allow-privileged=true',
        `--kubelet-client-certificate=${pki}/admin.crt`,
        `--kubelet-client-key=${pki}/admin.key`,
        `--kubelet-certificate-authority=${pki}/ca.crt`,
        // The node's name is known to no name server.
        '--kubelet-preferred-address-types=InternalIP',
        '--profiling=false',
      ];
    case 'controller-manager':
      return [
        'kube-controller-manager',
        admin,
        `--service-account-private-key-file=${pki}/service-accounts.key`,
        `--root-ca-file=${pki}/ca.crt`,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        '--enable-hostpath-provisioner=true',
        '--kube-api-qps=200',
        '--kube-api-burst=400',
        '--profiling=false',
      ];
    case 'scheduler':
      return [
        'kube-scheduler',
        admin,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        '--kube-api-qps=200',
        '--kube-api-burst=400',
        '--profiling=false',
      ];
    case 'kubelet':
      return [
        'kubelet',
        `--kubeconfig=${inside}/config/kubelet.kubeconfig`,
        `--config=${inside}/config/kubelet.json`,
        '--hostname-override=node',
        `--node-ip=${network.node}`,
        `--root-dir=${inside}/kubelet`,
      ];
    case 'proxy':
      return [
        'kube-proxy',
        admin,
        '--hostname-override=node',
        '--proxy-mode=iptables',
        `--cluster-cidr=${network.pods}`,
        '--bind-address=127.0.0.1',
        '--healthz-bind-address=127.0.0.1:10256',
        '--iptables-min-sync-period=100ms',
        // Connection tracking limits are the whole machine's.
        '--conntrack-max-per-core=0',
        '--conntrack-min=0',
        '--conntrack-tcp-timeout-established=0',
        '--conntrack-tcp-timeout-close-wait=0',
      ];
    case 'dns':
      return ['dns', '-conf', `${inside}/config/Corefile`];
    default:
      return component satisfies never;
  }
}

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
  podLogsDir: `${inside}/pods`,
  volumePluginDir: `${inside}/kubelet/plugins`,
  evictionHard: {
    'memory.available': '1Mi',
    'nodefs.available': '1%',
    'nodefs.inodesFree': '1%',
    'imagefs.available': '1%',
  },
  imageGCHighThresholdPercent: 100,
  localStorageCapacityIsolation: false,
  makeIPTablesUtilChains: false,
  maxPods: 500,
  // What follows shortens the start of many pods at once.
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
      `server = "https://${registryTlsOf(network)}"\nca = "${pki}/ca.crt"\n`,
    ),
    writeFile(join(state, 'kubeconfig'), JSON.stringify(admin, undefined, 2), { mode: 0o600 }),
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'kubectl'].map((name) =>
      symlink(`${inside}/cache/bin/kube-${kubernetesVersion}/kube`, join(state, 'bin', name)),
    ),
    symlink(`${inside}/cache/bin/registry-${registryVersion}/registry`, join(state, 'bin/registry')),
    symlink(`${inside}/cache/bin/dns-${dnsVersion}/dns`, join(state, 'bin/dns')),
  ]);
}

import { type Network, ports } from './network.ts';
import { inside } from './sandbox.ts';

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

/** The certificates, as the components see them. */
export const pki = `${inside}/pki`;

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
        // Debian's etcd 3.4 cannot begin a watch with the present state; servers on the etcd of their release can.
        '--feature-gates=WatchList=false',
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

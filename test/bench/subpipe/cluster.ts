import type { KubeClient } from '../../../runtime/kube/client.ts';
import type { Ready } from '../../e2e/support/ready.ts';

/** The cluster that is measured on. */
export interface BenchCluster extends Ready {
  /** As an administrator. */
  kube: KubeClient;
  /** A kubectl for Linux of this machine's architecture, linked statically. */
  kubectl: string;
  signal: AbortSignal;
}

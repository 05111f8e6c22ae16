import { KubeClient } from '../../../runtime/kube/client.ts';

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Error(`${name} is not set: run the e2e tests with npm run test:e2e`);
  return value;
}

/** The cluster that the tests run on, as `npm run test:e2e` sets it up. */
export const context = {
  kubeconfig: required('KUBECONFIG'),
  /** The steps' images, `PREFIX/NAME:TAG`, where the cluster can pull them. */
  imagePrefix: required('SUBPIPE_IMAGE_PREFIX'),
  imageTag: required('SUBPIPE_IMAGE_TAG'),
  /** An image with a POSIX shell, for the Tasks of the tests. */
  shellImage: required('SUBPIPE_SHELL_IMAGE'),
  /** Whether the cluster is the project's own, so that parts of it may be stopped. */
  ownCluster: process.env.SUBPIPE_OWN_CLUSTER === 'true',
};

/** The API server as an administrator. */
export const kube = new KubeClient({ env: process.env, kubeconfig: context.kubeconfig });

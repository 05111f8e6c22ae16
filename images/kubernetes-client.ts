// What a step imports lazily from @kubernetes/client-node: naming it here leaves two thirds of the package behind.
export { KubeConfig } from '@kubernetes/client-node';

import type { TektonVersion } from './versions.ts';

/** For Tasks with a script, and what Tekton uses as its shell. Pods find it in the cluster; no registry is asked. */
export const busyboxImage = 'localhost/busybox:1';

export const pauseImage = 'localhost/pause:1';

export const tektonImage = (program: string, version: TektonVersion) => `localhost/tekton/${program}:v${version}`;

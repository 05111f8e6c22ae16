import { version } from './version.ts';

/** Where released images are: `npm run images -- --push` puts them elsewhere and writes Tasks that say so. */
export const imagePrefix = 'ghcr.io/subpipe';

/** The image of a step in this release. */
export function imageOf(step: string): string {
  return `${imagePrefix}/${step}:v${version}`;
}

/** The step's command in its image. Tasks name it, because Tekton asks the registry of an image without one. */
export function commandOf(step: string): string[] {
  return [`/subpipe/${step}`];
}

import { parseArgs } from 'node:util';
import { invalid } from '../runtime/errors.ts';
import { isTag, parseName } from '../runtime/oci/name.ts';
import { type PlatformName, parsePlatforms } from './platform.ts';
import { readProject } from './project.ts';

export const help = `Builds the OCI image of each step, without a container engine.

npm run images -- [flags]
  --base REF|oci:DIR|debian  What the images stand on: an image with glibc 2.28 or newer, libstdc++, libgcc and
                             CA certificates. "debian" makes one here from Debian's packages.
                             Default: gcr.io/distroless/cc-debian12:nonroot
  --platform LIST            linux/amd64, linux/arm64 or both with a comma. Default: this machine's.
  --push PREFIX              Push each image to PREFIX/NAME:TAG, such as ghcr.io/me/subpipe.
  --plain-http               Speak HTTP without TLS with registries that are not on this machine's loopback.
  --output DIR               The OCI layout folder to write. Default: dist/images
  --tag TAG                  Default: v and the version in package.json.
  --steps LIST               Only these steps, with commas. Default: all.
  --tar                      Also write DIR/NAME.tar, which "ctr images import" reads.
  --compression zstd|gzip    Of our layers. Default: zstd, which every containerd since 1.5 reads.
  --revision TEXT            Label org.opencontainers.image.revision. Default: none.
Images are listed on stdout, one "NAME REFERENCE" a line. The time in them is SOURCE_DATE_EPOCH, or 1970.
`;

export interface ImageFlags {
  base: string;
  platforms: PlatformName[];
  push: string | undefined;
  plainHttp: boolean;
  output: string;
  tag: string;
  steps: string[] | undefined;
  tar: boolean;
  compression: 'zstd' | 'gzip';
  revision: string | undefined;
  /** Seconds since 1970. */
  created: number;
}

/** @returns 'help' when that is what was asked for. @throws SubpipeError `INVALID` naming the flag. */
export async function parseImageFlags(argv: string[], env: NodeJS.ProcessEnv): Promise<ImageFlags | 'help'> {
  const values = read(argv);
  if (values.help === true) return 'help';
  const tag = values.tag ?? `v${(await readProject()).version}`;
  if (!isTag(tag)) throw invalid(`--tag: expected at most 128 letters, digits, ".", "_" and "-", got "${tag}"`);
  const compression = values.compression ?? 'zstd';
  if (compression !== 'zstd' && compression !== 'gzip') {
    throw invalid(`--compression: expected zstd or gzip, got "${compression}"`);
  }
  return {
    base: values.base ?? 'gcr.io/distroless/cc-debian12:nonroot',
    platforms: parsePlatforms(values.platform),
    push: values.push === undefined ? undefined : pushPrefix(values.push),
    plainHttp: values['plain-http'] ?? false,
    output: values.output ?? 'dist/images',
    tag,
    steps: values.steps?.split(','),
    tar: values.tar ?? false,
    compression,
    revision: values.revision,
    created: epoch(env.SOURCE_DATE_EPOCH),
  };
}

function read(argv: string[]) {
  const text = { type: 'string' } as const;
  const yes = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: argv,
      options: {
        base: text,
        platform: text,
        push: text,
        'plain-http': yes,
        output: text,
        tag: text,
        steps: text,
        tar: yes,
        compression: text,
        revision: text,
        help: yes,
      },
    }).values;
  } catch (cause) {
    throw invalid('cannot read the command line', { cause, hint: 'See npm run images -- --help.' });
  }
}

function pushPrefix(text: string): string {
  const prefix = text.replace(/\/+$/, '');
  const { tag, digest } = parseName(`${prefix}/name`);
  if (tag !== undefined || digest !== undefined) throw invalid(`--push: expected HOST/PATH, got "${text}"`);
  return prefix;
}

function epoch(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,11}$/.test(text)) throw invalid(`SOURCE_DATE_EPOCH: expected seconds since 1970, got "${text}"`);
  return Number(text);
}

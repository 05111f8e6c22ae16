import { join } from 'node:path';
import { build, cached, isCached, keyOf, moduleFolder, pauseModule, programsOf, tektonModule } from './build.ts';
import { gitFiles, stampOf } from './git.ts';
import { type ImageFile, writeLayout } from './image.ts';
import { busyboxImage, pauseImage, tektonImage } from './names.ts';
import { run } from './process.ts';
import { findProgram } from './requirements.ts';
import { renderTekton, writeManifests } from './tekton.ts';
import type { TektonVersion } from './versions.ts';

const tektonPrograms = [
  'controller',
  'webhook',
  'resolvers',
  'entrypoint',
  'nop',
  'sidecarlogresults',
  'workingdirinit',
];

type Options = { env: NodeJS.ProcessEnv; signal: AbortSignal; note: (text: string) => void };

export const baseLayout = (cache: string) => join(cache, 'images/base');
export const tektonLayout = (cache: string, version: TektonVersion) => join(cache, `images/tekton-v${version}`);
export const tektonManifests = (cache: string, version: TektonVersion) =>
  join(cache, `manifests/tekton-v${version}/manifests.json`);

/** Builds the images pause and busybox. */
export async function buildBaseImages(cache: string, options: Options): Promise<void> {
  await build(cache, pauseModule, options);
  const busybox = (await findProgram('busybox', options.env)) ?? '/usr/bin/busybox';
  const applets = (await run(busybox, ['--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox');
  await cached(baseLayout(cache), `${await keyOf(pauseModule)} ${applets.length}`, async (folder) => {
    await writeLayout(folder, [
      {
        name: pauseImage,
        entrypoint: ['/pause'],
        files: [{ path: 'pause', source: join(programsOf(cache, pauseModule), 'pause') }],
      },
      {
        name: busyboxImage,
        entrypoint: ['/bin/sh'],
        files: [
          { path: 'bin/busybox', source: busybox },
          ...applets.map((name) => ({ path: `bin/${name}`, link: 'busybox' })),
          { path: 'etc/passwd', text: 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/tmp:/bin/sh\n' },
          { path: 'etc/group', text: 'root:x:0:\nnonroot:x:65532:\n' },
          { path: 'root/.keep', text: '' },
        ],
      },
    ]);
  });
}

/** Builds Tekton's programs, their images, and the manifests that run them. */
export async function buildTekton(cache: string, version: TektonVersion, options: Options): Promise<void> {
  const module = tektonModule(version);
  await build(cache, module, options);
  const programs = programsOf(cache, module);
  const key = await keyOf(module);
  // The resolvers' Deployment starts them with tini, and the git resolver runs git.
  const forResolvers: ImageFile[] = [{ path: 'sbin/tini', source: '/usr/bin/tini-static' }, ...(await gitFiles())];
  await cached(tektonLayout(cache, version), `${key}\n${await stampOf(forResolvers)}`, async (folder) => {
    options.note('writing images');
    await writeLayout(
      folder,
      tektonPrograms.map((program) => ({
        name: tektonImage(program, version),
        entrypoint: [`/ko-app/${program}`],
        files: [
          { path: `ko-app/${program}`, source: join(programs, program) },
          ...(program === 'resolvers' ? forResolvers : []),
        ],
      })),
    );
  });
  const manifests = join(cache, `manifests/tekton-v${version}`);
  if (await isCached(manifests, key)) return;
  const source = await moduleFolder(module, 'github.com/tektoncd/pipeline', options);
  await cached(manifests, key, async (folder) => {
    await writeManifests(join(folder, 'manifests.json'), await renderTekton(join(source, 'config'), version));
  });
}

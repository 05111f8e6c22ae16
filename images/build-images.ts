import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Entry } from '../runtime/archive/layer/entry.ts';
import { writeLayer } from '../runtime/archive/layer/layer.ts';
import { invalid } from '../runtime/errors.ts';
import { Layout } from '../runtime/oci/layout.ts';
import type { Descriptor } from '../runtime/oci/manifest.ts';
import { type Base, fetchBase } from './base.ts';
import { bundleSteps } from './bundle.ts';
import { composeImage, writeIndex } from './compose.ts';
import type { ImageFlags } from './flags.ts';
import { cachedLayer } from './layer-cache.ts';
import { atomicLibrary } from './libraries.ts';
import { nodeEntries } from './node.ts';
import type { PlatformName } from './platform.ts';
import { type Project, readProject, stepNames } from './project.ts';
import { stepEntries, stepsFolder } from './step-files.ts';

/** An image of the layout, all its platforms. */
export interface Built {
  name: string;
  /** Of the index. */
  descriptor: Descriptor;
  sizes: { platform: PlatformName; base: number; node: number; step: number }[];
}

interface Common {
  platform: PlatformName;
  base: Base;
  node: Awaited<ReturnType<typeof cachedLayer>>;
}

export interface BuildOptions {
  signal?: AbortSignal;
  /** Gives the layer with Node. Default: the npm package's program, and libatomic from Debian. */
  runtime?: (platform: PlatformName, project: Project) => Promise<Entry[]>;
}

/** Builds the image of each step into the OCI layout folder `flags.output`. */
export async function buildImages(
  flags: ImageFlags,
  options: BuildOptions = {},
): Promise<{ layout: Layout; images: Built[] }> {
  const project = await readProject();
  const names = await chosen(flags.steps);
  const bundles = await mkdtemp(join(tmpdir(), 'subpipe-bundles-'));
  try {
    say(`bundling ${names.join(', ')}`);
    await bundleSteps(names, bundles, project);
    const layout = await Layout.create(flags.output);
    const commons: Common[] = [];
    for (const platform of flags.platforms) commons.push(await common(layout, platform, project, flags, options));
    const images: Built[] = [];
    for (const name of names)
      images.push(await buildImage(layout, name, commons, bundles, project, flags, options.signal));
    return { layout, images };
  } finally {
    await rm(bundles, { recursive: true, force: true });
  }
}

async function chosen(wanted: string[] | undefined): Promise<string[]> {
  const all = await stepNames();
  const unknown = wanted?.find((name) => !all.includes(name));
  if (unknown !== undefined) throw invalid(`--steps: expected some of ${all.join(', ')}, got "${unknown}"`);
  if (all.length === 0) throw invalid('there are no steps: no folder of steps/ has a main.ts');
  return wanted ?? all;
}

/** What the images of a platform share. */
async function common(
  layout: Layout,
  platform: PlatformName,
  project: Project,
  flags: ImageFlags,
  { signal, runtime = nodeRuntime }: BuildOptions,
): Promise<Common> {
  say(`${platform}: base ${flags.base}`);
  const base = await fetchBase(flags.base, platform, layout, { plainHttp: flags.plainHttp, signal });
  say(`${platform}: Node ${project.nodeVersion}`);
  const entries = await runtime(platform, project);
  const compression = { kind: flags.compression, level: flags.compression === 'zstd' ? 12 : 6 };
  return { platform, base, node: await cachedLayer(layout, entries, compression, signal) };
}

async function nodeRuntime(platform: PlatformName, project: Project): Promise<Entry[]> {
  return [...(await nodeEntries(platform, project.nodeVersion)), ...(await atomicLibrary(platform))];
}

async function buildImage(
  layout: Layout,
  name: string,
  commons: Common[],
  bundles: string,
  project: Project,
  flags: ImageFlags,
  signal: AbortSignal | undefined,
): Promise<Built> {
  say(`image ${name}:${flags.tag}`);
  const labels = labelsOf(name, project, flags);
  const descriptors: Descriptor[] = [];
  const sizes: Built['sizes'] = [];
  for (const { platform, base, node } of commons) {
    const entries = await stepEntries(name, bundles, platform);
    const compression = { kind: flags.compression };
    const step = await layout.addBlob((sink) => writeLayer(entries, sink, { compression, signal }));
    const layers = [
      { ...node, createdBy: `Node ${project.nodeVersion}` },
      { ...step, createdBy: `subpipe ${project.version}: ${name}` },
    ];
    const run = {
      User: '65532:65532',
      Entrypoint: [`/${stepsFolder}/${name}`],
      Cmd: [],
      WorkingDir: '/',
      Labels: labels,
    };
    const annotations = { ...labels, ...baseAnnotations(base) };
    descriptors.push(await composeImage(layout, { base, layers, created: flags.created, run, annotations }));
    const total = base.layers.reduce((sum, layer) => sum + layer.size, 0);
    sizes.push({ platform, base: total, node: node.descriptor.size, step: step.descriptor.size });
  }
  const tagged = { 'io.containerd.image.name': `${flags.push ?? 'localhost/subpipe'}/${name}:${flags.tag}` };
  const descriptor = await writeIndex(layout, descriptors, `${name}:${flags.tag}`, labels, tagged);
  return { name, descriptor, sizes };
}

/** image-spec, annotations.md. */
function labelsOf(name: string, project: Project, flags: ImageFlags): Record<string, string> {
  const prefix = 'org.opencontainers.image';
  return {
    [`${prefix}.title`]: name,
    [`${prefix}.description`]: project.description,
    [`${prefix}.version`]: flags.tag,
    [`${prefix}.licenses`]: project.license,
    ...(flags.revision === undefined ? {} : { [`${prefix}.revision`]: flags.revision }),
  };
}

function baseAnnotations(base: Base): Record<string, string> {
  const prefix = 'org.opencontainers.image.base';
  return { [`${prefix}.digest`]: base.digest, ...(base.name === '' ? {} : { [`${prefix}.name`]: base.name }) };
}

function say(text: string): void {
  process.stderr.write(`images: ${text}\n`);
}

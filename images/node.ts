import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Entry } from '../runtime/archive/layer/entry.ts';
import { SubpipeError } from '../runtime/errors.ts';
import { trimElf } from './elf.ts';
import { type PlatformName, platforms } from './platform.ts';
import { cacheFolder, root } from './project.ts';

const run = promisify(execFile);

/** Files of the npm package node-linux-ARCH that an image needs. */
const wanted = ['bin/node', 'LICENSE'];

/** Entries of the image with Node: /usr/bin/node and its license. */
export async function nodeEntries(platform: PlatformName, version: string): Promise<Entry[]> {
  const folder = await nodeFolder(platform, version);
  const binary = join(folder, 'bin/node');
  const { head, size } = await trimElf(binary);
  const license = join(folder, 'LICENSE');
  return [
    { type: 'file', path: 'usr/bin/node', mode: 0o755, size, open: () => Readable.from(spliced(binary, head, size)) },
    {
      type: 'file',
      path: 'usr/share/doc/node/LICENSE',
      size: (await stat(license)).size,
      open: () => createReadStream(license),
    },
  ];
}

async function* spliced(path: string, head: Buffer, size: number): AsyncGenerator<Buffer> {
  yield head;
  yield* createReadStream(path, { start: head.length, end: size - 1, highWaterMark: 1024 * 1024 });
}

/** The folder of node-linux-ARCH: npm's own where `npm ci` has put it, else fetched with npm once. */
async function nodeFolder(platform: PlatformName, version: string): Promise<string> {
  const name = `node-linux-${platforms[platform].npm}`;
  const installed = join(root, 'node_modules/node/node_modules', name);
  if ((await versionOf(installed)) === version) return installed;
  const folder = join(cacheFolder, 'node', `${name}-${version}`);
  if ((await versionOf(folder)) === version) return folder;
  await fetchPackage(name, version, folder);
  return folder;
}

async function versionOf(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  const value: unknown = JSON.parse(text);
  const known = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  return typeof known === 'string' ? known : undefined;
}

async function fetchPackage(name: string, version: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const part = await mkdtemp(`${folder}-`);
  process.stderr.write(`images: fetching ${name}@${version} with npm\n`);
  try {
    const flags = ['--silent', '--pack-destination', part];
    await run('npm', ['pack', `${name}@${version}`, ...flags], { cwd: part });
    await unpack(join(part, `${name}-${version}.tgz`), part);
    await rm(folder, { recursive: true, force: true });
    await rename(part, folder);
  } catch (cause) {
    await rm(part, { recursive: true, force: true });
    throw new SubpipeError('UNAVAILABLE', `cannot fetch ${name}@${version} with "npm pack"`, {
      cause,
      hint: 'Build without that platform, or make the npm registry reachable.',
    });
  }
}

async function unpack(archive: string, folder: string): Promise<void> {
  const files = extract();
  const flow = pipeline(createReadStream(archive), createGunzip(), files);
  for await (const entry of files) {
    const name = entry.header.name.replace(/^[^/]+\//, '');
    if (!wanted.includes(name) && name !== 'package.json') {
      entry.resume();
      continue;
    }
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(entry, createWriteStream(path));
  }
  await flow;
  await rm(archive);
}

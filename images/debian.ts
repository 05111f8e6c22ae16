import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { SubpipeError } from '../runtime/errors.ts';
import { type PlatformName, platforms } from './platform.ts';
import { cacheFolder } from './project.ts';

const run = promisify(execFile);

/** Packages that Node needs, beside what every image has. */
const packages = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1', 'ca-certificates'];

export interface DebianFiles {
  /** The packages' files, unpacked. */
  root: string;
  /** The control text of each package, by name. */
  control: Map<string, string>;
}

/**
 * The Debian packages for a platform, fetched with apt and unpacked into the cache. This machine's own packages, apt
 * state and architectures stay as they are: apt works on folders of its own.
 *
 * @throws SubpipeError `UNAVAILABLE` when apt or dpkg-deb is not here, or has no such packages.
 */
export async function debianFiles(platform: PlatformName): Promise<DebianFiles> {
  const folder = join(cacheFolder, 'debian', platforms[platform].debian);
  const done = await stat(join(folder, 'root')).catch(() => undefined);
  if (done === undefined) await fetchPackages(platform, folder);
  const control = new Map<string, string>();
  for (const name of (await readdir(join(folder, 'control'))).sort()) {
    control.set(name, await readFile(join(folder, 'control', name), 'utf8'));
  }
  return { root: join(folder, 'root'), control };
}

async function fetchPackages(platform: PlatformName, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const part = await mkdtemp(`${folder}-`);
  process.stderr.write(`images: fetching Debian packages for ${platform}\n`);
  try {
    const flags = await ownState(part, platforms[platform].debian);
    await run('apt-get', [...flags, 'update']);
    const { stdout } = await run('apt-cache', [...flags, 'depends', 'libgcc-s1']);
    // The licenses of GCC's libraries are in a package named after its version.
    const licenses = /gcc-\d+-base/.exec(stdout) ?? [];
    await run('apt-get', [...flags, 'download', ...packages, ...licenses], { cwd: join(part, 'archives') });
    for (const file of (await readdir(join(part, 'archives'))).filter((name) => name.endsWith('.deb'))) {
      const path = join(part, 'archives', file);
      const control = (await run('dpkg-deb', ['--field', path])).stdout;
      await writeFile(join(part, 'control', /^Package: (\S+)/m.exec(control)?.[1] ?? file), control);
      await run('dpkg-deb', ['--extract', path, join(part, 'root')]);
    }
    await rm(join(part, 'apt'), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(part, folder);
  } catch (cause) {
    await rm(part, { recursive: true, force: true });
    throw new SubpipeError(
      'UNAVAILABLE',
      `cannot fetch the Debian packages for ${platform} with apt-get and dpkg-deb`,
      {
        cause,
      },
    );
  }
}

/** Options that give apt its own folders, an empty package database and one architecture. */
async function ownState(part: string, architecture: string): Promise<string[]> {
  const apt = join(part, 'apt');
  for (const folder of ['apt/lists/partial', 'apt/cache/archives/partial', 'archives', 'control', 'root']) {
    await mkdir(join(part, folder), { recursive: true });
  }
  await writeFile(join(apt, 'status'), '');
  const options = {
    'Dir::State': apt,
    'Dir::State::status': join(apt, 'status'),
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures::': architecture,
    // Without a user to become: the folders are the caller's.
    'APT::Sandbox::User': '',
    'Acquire::Retries': '3',
  };
  return ['--quiet=2', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

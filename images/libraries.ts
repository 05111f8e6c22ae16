import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { type Entry, textEntry } from '../runtime/archive/layer/entry.ts';
import { explain, invalid, SubpipeError } from '../runtime/errors.ts';
import { debianFiles } from './debian.ts';
import { ownPlatform, type PlatformName } from './platform.ts';

const run = promisify(execFile);

/** Of the packages, what a running Node reads; not the parts for debuggers and old programs. */
const needed = [
  /^(usr\/)?lib(64)?\/([^/]+-linux-gnu\/)?(ld-linux|lib(c|m|dl|pthread|rt|util|anl|resolv|nss_dns|nss_files|gcc_s|stdc\+\+|atomic)\.so)/,
  /^usr\/share\/doc\/[^/]+(\/copyright)?$/,
  /^usr\/share\/ca-certificates\/mozilla\//,
];
const atomic = /\/libatomic\.so/;

/** What Node links, and CA certificates: from Debian's packages, else copied from this machine for its own platform. */
export async function libraries(platform: PlatformName): Promise<Entry[]> {
  try {
    const { root, control } = await debianFiles(platform);
    const files = await scan(root, (path) => needed.some((pattern) => pattern.test(path)));
    // Where distroless has it too: scanners of vulnerabilities read it.
    const status = [...control].map(([name, text]) => textEntry(`var/lib/dpkg/status.d/${name}`, text));
    return [...files, ...status];
  } catch (cause) {
    if (platform === ownPlatform()) {
      process.stderr.write(`images: ${explain(cause)} Copying this machine's libraries instead.\n`);
      return await hostLibraries();
    }
    throw invalid(`the libraries for ${platform} are missing`, {
      cause,
      hint: 'Build on a machine with apt-get and dpkg-deb, or leave that platform out.',
    });
  }
}

/**
 * libatomic, which Node links since version 25 and which distroless images lack. It comes with Node's layer, so that
 * every base with glibc and libstdc++ will do.
 */
export async function atomicLibrary(platform: PlatformName): Promise<Entry[]> {
  return (await libraries(platform)).filter(({ path }) => atomic.test(path));
}

/** {@link libraries} without what {@link atomicLibrary} gives. */
export async function baseLibraries(platform: PlatformName): Promise<Entry[]> {
  return (await libraries(platform)).filter(({ path }) => !atomic.test(path));
}

async function hostLibraries(): Promise<Entry[]> {
  const { stdout } = await run('ldd', [process.execPath]);
  const paths = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? []);
  const extra = ['/etc/ssl/certs/ca-certificates.crt'];
  const entries: Entry[] = [];
  for (const path of [...new Set([...paths, ...extra])]) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const file = await realpath(path);
    const mode = found.mode & 0o111 ? 0o755 : 0o644;
    entries.push({ type: 'file', path: path.slice(1), mode, size: found.size, open: () => createReadStream(file) });
  }
  if (paths.length === 0) throw new SubpipeError('FAILED', `ldd names no libraries of ${process.execPath}`);
  return entries;
}

async function scan(root: string, choose: (path: string) => boolean): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const found of await readdir(root, { withFileTypes: true, recursive: true })) {
    const full = join(found.parentPath, found.name);
    const path = relative(root, full);
    if (found.isDirectory() || !choose(path)) continue;
    if (found.isSymbolicLink()) entries.push({ type: 'symlink', path, target: await readlink(full) });
    else if (found.isFile()) {
      const { size, mode } = await stat(full);
      entries.push({ type: 'file', path, size, mode: mode & 0o777, open: () => createReadStream(full) });
    }
  }
  return entries;
}

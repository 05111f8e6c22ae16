import fs from 'node:fs';
import path from 'node:path';
import { invalid, SubpipeError } from '../errors.ts';
import { maxFileBytes, textOfBytes } from './document.ts';
import { folderOf, inside } from './sources/inside.ts';
import type { Repository } from './sources.ts';

/** A text of a repository, or of a person's command line. */
export interface SourceText {
  path: string;
  text: string;
}

/** The folder that holds `.git`, at `folder` or above; `undefined` outside of a work tree. */
export function workTreeOf(folder: string): string | undefined {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if (fs.existsSync(path.join(at, '.git'))) return at;
    if (path.dirname(at) === at) return undefined;
  }
}

/**
 * A work tree as it lies on disk.
 * @param folder Of the tree: a path that is not below the root is looked for below it.
 */
export function openCheckout(root: string, folder = root): Repository {
  const base = fs.realpathSync(root);
  const here = path.relative(base, fs.realpathSync(folder)).split(path.sep).join('/');
  const locate = (wanted: string): string | undefined => {
    for (const one of here === '' || here.startsWith('..') ? [wanted] : [wanted, `${here}/${wanted}`]) {
      const at = realpath(path.join(base, one));
      if (at === undefined) continue;
      if (!isBelow(at, base)) throw invalid(`the file ${wanted} is a link that leads out of the repository`);
      if (fs.statSync(at).isFile()) return at;
    }
    return undefined;
  };
  return {
    title: base,
    async files(from = '.tekton') {
      return yamlFiles(path.join(base, inside(from)), base).map((file) => ({
        path: path.relative(base, file).split(path.sep).join('/'),
        text: readText(file, path.relative(base, file)),
      }));
    },
    async read(wanted) {
      const clean = inside(wanted, folderOf(''));
      const at = locate(clean);
      if (at === undefined) throw new SubpipeError('NOT_FOUND', `there is no file ${clean} in the repository ${base}`);
      return readText(at, clean);
    },
  };
}

/**
 * The files and folders that a person names, in that order; of a folder all .yaml and .yml files below it.
 * @throws SubpipeError `INVALID` for one that cannot be read.
 */
export function readNamed(names: readonly string[], folder = '.'): SourceText[] {
  return names.flatMap((name) => {
    const at = path.resolve(folder, name);
    const real = existing(at, name);
    if (!fs.statSync(real).isDirectory()) return [{ path: name, text: readText(real, name) }];
    const base = workTreeOf(real) ?? real;
    return yamlFiles(real, fs.realpathSync(base)).map((file) => {
      const shown = path.join(name, path.relative(real, file));
      return { path: shown, text: readText(file, shown) };
    });
  });
}

/** The YAML files of a folder and below, in order of names; links that lead out of `base`, or nowhere, are left out. */
function yamlFiles(folder: string, base: string): string[] {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw invalid(`the folder ${folder} cannot be read`, { cause });
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return yamlFiles(file, base);
    if (!/\.ya?ml$/.test(entry.name)) return [];
    if (!entry.isSymbolicLink()) return entry.isFile() ? [file] : [];
    const target = realpath(file);
    return target !== undefined && isBelow(target, base) && fs.statSync(target).isFile() ? [file] : [];
  });
}

function readText(file: string, shown: string): string {
  let bytes: Buffer;
  try {
    const { size } = fs.statSync(file);
    if (size > maxFileBytes) throw invalid(`${shown} is ${size} bytes long: expected at most ${maxFileBytes}`);
    bytes = fs.readFileSync(file);
  } catch (cause) {
    if (cause instanceof SubpipeError) throw cause;
    throw invalid(`the file ${shown} cannot be read`, { cause });
  }
  return textOfBytes(bytes, shown);
}

/** The real path of what a flag names. A folder that may not be entered is not taken for one that is not there. */
function existing(at: string, name: string): string {
  try {
    return fs.realpathSync(at);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw invalid(`there is no file or folder ${name}: expected what -f names to be there`);
    }
    throw invalid(`${name} cannot be read`, { cause });
  }
}

function realpath(file: string): string | undefined {
  try {
    return fs.realpathSync(file);
  } catch {
    return undefined;
  }
}

function isBelow(file: string, base: string): boolean {
  return file === base || file.startsWith(base.endsWith(path.sep) ? base : `${base}${path.sep}`);
}

import fs from 'node:fs';
import path from 'node:path';
import { invalid } from '../errors.ts';
import { type Document, maxFileBytes, readDocuments, textOfBytes } from './document.ts';

/**
 * The Tekton objects of a YAML file, and of the other .yaml and .yml files of its folder after them; or of a whole folder.
 *
 * @param root The folder that `file` is relative to and must not leave, links included.
 * @throws SubpipeError `INVALID` that names the file.
 */
export async function readBeside(root: string, file: string): Promise<{ own: Document[]; beside: Document[] }> {
  const base = await fs.promises.realpath(root).catch((error) => {
    throw invalid(`the folder ${root} that ${file} is in cannot be read`, { cause: error });
  });
  const at = await fs.promises.realpath(path.resolve(base, file)).catch((error) => {
    throw invalid(`the file ${file} cannot be read`, { cause: error });
  });
  if (at !== base && !at.startsWith(`${base}${path.sep}`)) {
    throw invalid(`the file ${file} is outside of ${root}: expected a path below it`);
  }
  const isFolder = (await fs.promises.stat(at)).isDirectory();
  const folder = isFolder ? at : path.dirname(at);
  const names = await filesOf(folder, base);
  const read = async (files: string[]): Promise<Document[]> =>
    (await Promise.all(files.map((one) => documentsOf(one, path.relative(base, one))))).flat();
  if (isFolder) return { own: await read(names), beside: [] };
  return { own: await documentsOf(at, file), beside: await read(names.filter((name) => name !== at)) };
}

/** The YAML files of a folder. A ConfigMap's are links; those that lead out of `base`, or nowhere, are passed over. */
async function filesOf(folder: string, base: string): Promise<string[]> {
  const entries = (await fs.promises.readdir(folder, { withFileTypes: true })).filter(({ name }) =>
    /\.ya?ml$/.test(name),
  );
  const files = await Promise.all(
    entries.map(async (entry) => {
      const file = path.join(folder, entry.name);
      if (!entry.isSymbolicLink()) return entry.isFile() ? file : undefined;
      const target = await fs.promises.realpath(file).catch(() => undefined);
      if (target === undefined || !target.startsWith(`${base}${path.sep}`)) return undefined;
      return (await fs.promises.stat(target)).isFile() ? file : undefined;
    }),
  );
  return files.filter((file) => file !== undefined).sort();
}

async function documentsOf(file: string, shown: string): Promise<Document[]> {
  const { size } = await fs.promises.stat(file);
  if (size > maxFileBytes) throw invalid(`the file ${shown} is ${size} bytes long: expected at most ${maxFileBytes}`);
  return readDocuments(textOfBytes(await fs.promises.readFile(file), shown), shown);
}

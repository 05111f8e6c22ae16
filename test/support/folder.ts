import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder of a test's own, removed at the end of its `await using`. */
export interface Folder extends AsyncDisposable {
  path: string;
  /** Writes a file below it and gives its full path. */
  write(name: string, content: string): Promise<string>;
}

export async function makeFolder(files: Record<string, string> = {}): Promise<Folder> {
  const root = await mkdtemp(path.join(tmpdir(), 'subpipe-test-'));
  const folder: Folder = {
    path: root,
    async write(name, content) {
      const file = path.join(root, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
      return file;
    },
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
  for (const [name, content] of Object.entries(files)) await folder.write(name, content);
  return folder;
}

import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { tektonVersions } from '../../cluster/versions.ts';

export const schemaFile = path.join(import.meta.dirname, '../../../runtime/resolve/check/schema.json');

/** Tekton's source in Go's module cache, where it is there: nothing is downloaded. */
export async function tektonSource(): Promise<string | undefined> {
  return moduleInCache(`github.com/tektoncd/pipeline@v${tektonVersions[0]}`);
}

export async function moduleInCache(module: string): Promise<string | undefined> {
  const found = await promisify(execFile)('go', ['env', 'GOMODCACHE']).catch(() => undefined);
  if (found === undefined) return undefined;
  const folder = path.join(found.stdout.trim(), module);
  return access(folder).then(
    () => folder,
    () => undefined,
  );
}

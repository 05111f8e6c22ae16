import path from 'node:path';
import process from 'node:process';
import { moduleFolder, tektonModule } from '../../cluster/build.ts';
import { tektonVersions } from '../../cluster/versions.ts';

export const schemaFile = path.join(import.meta.dirname, '../../../runtime/resolve/check/schema.json');

/** Tekton's source in Go's module cache. @throws ClusterError where Go is missing, or the module cannot be had. */
export function tektonSource(): Promise<string> {
  const options = { env: process.env, signal: AbortSignal.timeout(600_000) };
  return moduleFolder(tektonModule(tektonVersions[0]), 'github.com/tektoncd/pipeline', options);
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fieldsOf, textOf } from '../../../runtime/shape.ts';
import { cached } from '../../cluster/build.ts';
import { run } from '../../cluster/process.ts';
import { findProgram } from '../../cluster/requirements.ts';

const version = 'v1.25.0';
/** What go.sum would say of the module: it is built in its own folder, where no go.sum of ours counts. */
const sum = 'h1:KnOtMEYQU4Axsu73NiyRhb5E7Q05i8AYp0Ke9shVQ1w=';
const tags = 'sqlite,sqlite_unlock_notify';

export interface GiteaProgram {
  program: string;
  /** Its source, which has the templates that it reads when it starts. */
  source: string;
}

/**
 * Builds Gitea from its Go module, unless it is there. It is built in the module's own folder, because its go.mod replaces modules, which
 * only counts there. Needs Go and a C compiler (for SQLite); the first time takes up to a quarter of an hour.
 */
export async function buildGitea(signal: AbortSignal): Promise<GiteaProgram> {
  const cache = path.resolve(process.env.SUBPIPE_CACHE || path.join(import.meta.dirname, '../../../.cache'));
  const go = await findProgram('go', process.env);
  if (go === undefined)
    throw new Error('Go is missing, which builds Gitea: install Go 1.26 or newer (https://go.dev/dl)');
  const env = { ...process.env, CGO_ENABLED: '1', GOWORK: 'off' };
  const download = ['mod', 'download', '-json', `code.gitea.io/gitea@${version}`];
  const found = fieldsOf(JSON.parse(await run(go, download, { cwd: cache, env, signal })), 'what go downloaded');
  const [source, actual] = [textOf(found.Dir, 'its folder'), textOf(found.Sum, 'its sum')];
  if (actual !== sum) throw new Error(`gitea ${version} has the sum ${actual}, expected ${sum}`);
  const folder = path.join(cache, 'bin', `gitea-${version}`);
  const key = await readFile(import.meta.filename, 'utf8');
  await cached(folder, key, async (draft) => {
    const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-tags', tags];
    const link = `-s -w -X main.Version=${version.slice(1)}`;
    const output = path.join(draft, 'gitea');
    await run(go, ['build', ...flags, '-ldflags', link, '-o', output, '.'], { cwd: source, env, signal });
  });
  return { program: path.join(folder, 'gitea'), source };
}

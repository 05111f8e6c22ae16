import { SubpipeError } from '../../../runtime/errors.ts';
import { createLog, type Log } from '../../../runtime/log.ts';
import { openSources, type SourcesOptions } from '../../../runtime/resolve/sources/open.ts';
import type { Repository } from '../../../runtime/resolve/sources.ts';

/** A log that keeps its lines. */
export function keptLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createLog({ name: 'test', level: 'debug', write: (line) => void lines.push(line) }) };
}

/** A checkout of files by path. */
export function repositoryOf(files: Record<string, string> = {}): Repository {
  return {
    title: 'a test',
    files: async () => Object.entries(files).map(([path, text]) => ({ path, text })),
    async read(path) {
      const text = files[path];
      if (text === undefined) throw new SubpipeError('NOT_FOUND', `${path} does not exist`);
      return text;
    },
  };
}

/** Sources for a test: of an empty repository, as on a person's command line. */
export function sourcesFor(options: Partial<SourcesOptions> = {}) {
  return openSources({ repository: repositoryOf(), allowPrivateAddresses: true, log: keptLog().log, ...options });
}

/** A Task that differs by name. */
export const task = (name: string): string =>
  `apiVersion: tekton.dev/v1\nkind: Task\nmetadata:\n  name: ${name}\nspec:\n  steps: [{ name: a, image: b }]\n`;

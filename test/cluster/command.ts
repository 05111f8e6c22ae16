import minimist from 'minimist';
import { down } from './down.ts';
import { ClusterError, messageOf } from './errors.ts';
import { load } from './load.ts';
import { withLock } from './lock.ts';
import { isAlive } from './process.ts';
import { progressTo } from './progress.ts';
import { readRecord } from './record.ts';
import { requireMachine } from './requirements.ts';
import { restartApiserver } from './restart.ts';
import { filesOf, settingsFrom } from './settings.ts';
import { describeStatus } from './status.ts';
import { up } from './up.ts';
import { isTektonVersion, type TektonVersion, tektonVersions } from './versions.ts';

const help = `A real Kubernetes with Tekton and a registry, on this machine, for tests.

npm run cluster -- up [--tekton VERSION] [--feature KEY=VALUE]... [--default KEY=VALUE]...
npm run cluster -- status               how it is; exits 0 if all is well
npm run cluster -- load FILE|FOLDER     images of an OCI layout, for pods to use by name
npm run cluster -- restart-apiserver    kills the API server and starts it again
npm run cluster -- down                 ends it and removes all but the cache and the logs

  --tekton   ${tektonVersions.join(', ')} (default ${tektonVersions[0]})
  --feature  a key of Tekton's ConfigMap feature-flags, as enable-api-fields=alpha
  --default  a key of Tekton's ConfigMap config-defaults, as default-timeout-minutes=10

Environment
  SUBPIPE_CACHE          what is built once (default .cache in the project)
  SUBPIPE_CLUSTER_STATE  the cluster's own files (default cluster in the cache)
  SUBPIPE_CLUSTER_INDEX  a number from 0 (the default) to 14: clusters with different numbers run side by side

Exits 0 when done, 1 when it failed, 2 when it was asked for something it does not know.
`;

export type Command =
  | { name: 'up'; tekton: TektonVersion; features: Record<string, string>; defaults: Record<string, string> }
  | { name: 'load'; path: string }
  | { name: 'status' }
  | { name: 'down' }
  | { name: 'restart-apiserver' }
  | { name: 'help' };

/**
 * Reads a command line.
 * @throws ClusterError with exit code 2 in one sentence that says what was expected and what came
 */
export function parseCommand(args: readonly string[]): Command {
  const unknown: string[] = [];
  const flags = minimist([...args], {
    string: ['tekton', 'feature', 'default'],
    boolean: ['help'],
    unknown: (arg) => (arg.startsWith('-') ? unknown.push(arg) === 0 : true),
  });
  if (flags.help === true) return { name: 'help' };
  const [name, ...rest] = flags._;
  const expected = 'up, status, load, restart-apiserver or down';
  if (name === undefined) throw wrong(`Expected ${expected}, but no command came: see --help.`);
  if (unknown.length > 0) throw wrong(`${unknown[0]} is no flag of "${name}": see --help.`);
  const ofUp = ['tekton', 'feature', 'default'].find((flag) => flags[flag] !== undefined);
  if (ofUp !== undefined && name !== 'up') throw wrong(`--${ofUp} is a flag of "up", not of "${name}": see --help.`);
  if (name === 'load') {
    const [path] = rest;
    if (path === undefined || rest.length > 1) throw wrong(`"load" takes one file or folder, but ${rest.length} came.`);
    return { name, path };
  }
  if (rest.length > 0) throw wrong(`"${name}" takes no arguments, but "${rest[0]}" came.`);
  switch (name) {
    case 'up':
      return {
        name,
        tekton: tektonFrom(flags.tekton),
        features: pairs('feature', flags.feature),
        defaults: pairs('default', flags.default),
      };
    case 'status':
    case 'down':
    case 'restart-apiserver':
    case 'help':
      return { name };
    default:
      throw wrong(`Expected ${expected}, but "${name}" came: see --help.`);
  }
}

function tektonFrom(value: unknown): TektonVersion {
  if (value === undefined) return tektonVersions[0];
  const version = String(value).replace(/^v/, '');
  if (isTektonVersion(version)) return version;
  throw wrong(`--tekton is one of ${tektonVersions.join(', ')}, but "${value}" came.`);
}

function pairs(flag: string, value: unknown): Record<string, string> {
  const texts = value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)];
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw wrong(`--${flag} is KEY=VALUE, but "${text}" came.`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

const wrong = (message: string) => new ClusterError(message, { exitCode: 2 });

/**
 * Runs one command.
 * @param args the command line, without the program
 * @returns the exit code: 0 done, 1 failed, 2 bad input
 */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const interrupt = new AbortController();
  const stop = () => interrupt.abort(new ClusterError('Interrupted: all that was started is ended again.'));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await dispatch(parseCommand(args), env, interrupt.signal);
  } catch (error) {
    const shown = interrupt.signal.aborted ? interrupt.signal.reason : error;
    process.stderr.write(`${messageOf(shown)}\n`);
    return error instanceof ClusterError ? error.exitCode : 1;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function dispatch(command: Command, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  if (command.name === 'help') {
    process.stdout.write(help);
    return 0;
  }
  await requireMachine(env);
  const settings = settingsFrom(env);
  const lock = filesOf(settings.state).lock;
  switch (command.name) {
    case 'up': {
      const { tekton, features, defaults } = command;
      const wanted = { tekton, options: { features, defaults } };
      await withLock(lock, 'up', () => up(settings, wanted, env, progressTo(), signal));
      return 0;
    }
    case 'down':
      await withLock(lock, 'down', () => down(settings, progressTo()));
      return 0;
    case 'restart-apiserver':
      await withLock(lock, command.name, () => restartApiserver(settings, progressTo(), signal));
      return 0;
    case 'status': {
      const { text, healthy } = await describeStatus(settings);
      process.stdout.write(`${text}\n`);
      return healthy ? 0 : 1;
    }
    case 'load': {
      const record = await readRecord(filesOf(settings.state).record);
      if (record?.init === undefined || !(await isAlive(record.init))) {
        throw new ClusterError('No cluster is up to load images into: run "npm run cluster -- up" first.');
      }
      const names = await load({ init: record.init, settings }, command.path, signal);
      process.stdout.write(`${names.join('\n')}\n`);
      return 0;
    }
    default:
      return command satisfies never;
  }
}

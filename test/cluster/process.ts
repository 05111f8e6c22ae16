import { type ChildProcess, spawn } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from './errors.ts';

/** A process beyond doubt: a pid may be given to another process, but not with the same start time on the same boot. */
export type Identity = { pid: number; startTime: string; boot: string };

/** The identity of a process that runs now, or undefined where there is none. A zombie counts as none. */
export async function identify(pid: number): Promise<Identity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = stat === undefined ? undefined : parseStat(stat);
  if (fields === undefined || fields.state === 'Z' || fields.state === 'X') return undefined;
  return { pid, startTime: fields.startTime, boot: await bootId() };
}

/** The state and start time (in clock ticks since boot) of a line of /proc/PID/stat; see proc(5). */
export function parseStat(line: string): { state: string; startTime: string } | undefined {
  // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
}

export async function isAlive(identity: Identity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== undefined && now.startTime === identity.startTime && now.boot === identity.boot;
}

/** A process whose first thread has ended keeps its ports until the last one has. */
async function hasThreads(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  return threads.length > 1;
}

/** Kills the process if it is still the one that was identified, and waits until it is gone. */
export async function kill(identity: Identity, signal: NodeJS.Signals = 'SIGKILL', seconds = 10): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    return; // It ended between the two lines.
  }
  // Only a parent is told of a process's end, and these may be anybody's children: so we look.
  const deadline = Date.now() + seconds * 1000;
  while ((await isAlive(identity)) || (await hasThreads(identity.pid))) {
    if (Date.now() > deadline) {
      throw new ClusterError(`Process ${identity.pid} was sent ${signal} and still runs after ${seconds} s.`);
    }
    await sleep(20);
  }
}

let boot: string | undefined;
async function bootId(): Promise<string> {
  boot ??= (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return boot;
}

/** All processes of this machine whose environment holds the line. */
export async function findByEnvironment(line: string): Promise<Identity[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(line) ? identify(pid) : undefined;
    }),
  );
  return found.filter((identity) => identity !== undefined);
}

/** The children of a process; /proc/PID/task/PID/children of proc(5). */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

export type RunOptions = {
  signal?: AbortSignal | undefined;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Gets each line of standard error as it comes. */
  onLine?: (line: string) => void;
  /** Feeds standard input; close it when done. */
  feed?: (stdin: NodeJS.WritableStream) => Promise<void>;
};

/**
 * Runs a program to its end.
 * @returns its standard output
 * @throws ClusterError with the last lines of its standard error where it does not exit 0
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const output: string[] = [];
  const tail: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      options.onLine?.(line);
      tail.push(line);
    }
    tail.splice(0, tail.length - 20);
  });
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
  child.stdin.on('error', () => {}); // A program that ends early says why in its exit code.
  const feeding = options.feed?.(child.stdin).catch((cause: unknown) => {
    child.kill();
    return cause;
  });
  if (feeding === undefined) child.stdin.end();
  const code = await ended;
  const feedFailure = await feeding;
  if (feedFailure !== undefined && feedFailure !== null) throw feedFailure;
  if (code !== 0) {
    const said = [...tail, rest].filter(Boolean).slice(-8).join('\n');
    throw new ClusterError(
      `${[program, ...args].slice(0, 12).join(' ')} ended with ${code}: ${said || 'it said nothing.'}`,
    );
  }
  return output.join('');
}

/** Starts a program that outlives this one, its output appended to a log file. */
export async function start(
  program: string,
  args: readonly string[],
  options: { log: string; env: NodeJS.ProcessEnv },
): Promise<ChildProcess> {
  await using log = await open(options.log, 'a');
  const child = spawn(program, args, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
    env: options.env,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  return child;
}

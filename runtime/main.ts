import process from 'node:process';
import { exitCodeOf, explain, SubpipeError } from './errors.ts';
import { flagsOf, parseFlags, readParams } from './flags.ts';
import { helpOf } from './help.ts';
import { KubeClient } from './kube/client.ts';
import { createLog, type Log, type LogFormat, type LogLevel } from './log.ts';
import { kebab, type Params, type ValuesOf } from './params.ts';
import { print, ReaderGone, readerGoneCode } from './print.ts';
import { type ReportOf, type ResultFile, type Results, type ResultValue, writeResults } from './results.ts';
import { messageLimit } from './results-limit.ts';
import type { StepDefinition } from './step.ts';
import { version } from './version.ts';

/** Runs a step as this process: its flags from the command line, its exit code at the end. */
export async function main<P extends Params, R extends Results>(step: StepDefinition<P, R>): Promise<never> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      // Somebody who presses Ctrl-C twice means it.
      if (stop.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
      stop.abort(new SubpipeError('ABORTED', `stopped by ${name}`));
    });
  }
  process.exit(await runStep(step, process.argv.slice(2), { env: process.env, signal: stop.signal }));
}

/** Runs a step with the given command line and gives its exit code: 0, 1, 2 or 3; 141 where the reader of its output is gone. */
export async function runStep<P extends Params, R extends Results>(
  step: StepDefinition<P, R>,
  argv: readonly string[],
  options: {
    env: NodeJS.ProcessEnv;
    signal: AbortSignal;
    stdout?: (text: string) => void;
    stderr?: (text: string) => void;
  },
): Promise<number> {
  const stdout = options.stdout ?? print;
  const write = options.stderr === undefined ? {} : { write: options.stderr };
  // Errors of the flags themselves are for machines as well, where that is what the command line asks for.
  const early = argv.includes('--log-format=json') ? 'json' : 'text';
  let log: Log = createLog({ name: step.name, format: early, ...write });
  try {
    const flags = parseFlags(step, argv);
    if (flags.help || flags.version) {
      stdout(flags.help ? helpOf(step) : `${step.name} ${version}\n`);
      return 0;
    }
    const values = await readParams(flagsOf(step), flags.given);
    log = createLog({
      name: step.name,
      format: values.logFormat as LogFormat,
      level: values.logLevel as LogLevel,
      ...write,
    });
    const kube = new KubeClient({
      env: options.env,
      kubeconfig: values.kubeconfig as string | undefined,
      context: values.context as string | undefined,
    });
    const limit = (values.resultsLimit as number | undefined) ?? (() => messageLimit(kube, options.env, log));
    const report = async (results: ReportOf<R>, more: readonly ResultFile[] = []): Promise<void> => {
      const said = await writeReport(step.results, results, more, { paths: flags.results, limit, stdout });
      if (said !== undefined) log.warn(said);
    };
    await step.run({
      params: values as ValuesOf<P>,
      kube,
      log,
      env: options.env,
      signal: options.signal,
      report,
      stdout,
    });
    return 0;
  } catch (error) {
    if (error instanceof ReaderGone) return readerGoneCode;
    if (step.replaces !== undefined && early === 'text') {
      const sentence = `Error: ${explain(error)}\n`;
      if (options.stderr === undefined) process.stderr.write(sentence);
      else options.stderr(sentence);
      return 1;
    }
    log.error(explain(error));
    if (!(error instanceof SubpipeError) && error instanceof Error) log.debug(error.stack ?? '');
    return step.replaces === undefined ? exitCodeOf(error) : 1;
  }
}

async function writeReport(
  declared: Results,
  results: Record<string, ResultValue | undefined>,
  more: readonly ResultFile[],
  to: { paths: Map<string, string>; limit: number | (() => Promise<number>); stdout: (text: string) => void },
): Promise<string | undefined> {
  const files: ResultFile[] = [...more];
  const rest: Record<string, ResultValue> = {};
  for (const [key, value] of Object.entries(results)) {
    if (value === undefined) continue;
    const name = kebab(key);
    const path = to.paths.get(name);
    if (path === undefined) rest[name] = value;
    else files.push({ name, value, path, spare: declared[key]?.spare });
  }
  const said = await writeResults(files, to.limit);
  if (files.length === 0 && Object.keys(rest).length > 0) to.stdout(`${JSON.stringify(rest)}\n`);
  return said;
}

import { text } from 'node:stream/consumers';
import { exitCodeOf, explain, invalid, SubpipeError } from '../runtime/errors.ts';
import { runStep } from '../runtime/main.ts';
import type { StepDefinition } from '../runtime/step.ts';
import { version } from '../runtime/version.ts';
import { steps } from '../steps/index.ts';
import type { Command } from './command.ts';
import { flagRows, parseWords } from './flags.ts';
import { type Output, standardOutput } from './output.ts';
import { run } from './run/command.ts';
import { stub } from './stub/command.ts';
import { workspaceCommands } from './workspace/command.ts';
import { wrap } from './wrap/command.ts';

const commands: readonly Command[] = [run, stub, wrap];

interface Group {
  summary: string;
  commands: readonly Command[];
}

/** Commands of two words: `workspace ls`. */
const groups: Readonly<Record<string, Group>> = {
  workspace: {
    summary: 'Lists, compares, pushes and pulls workspaces that are OCI images, and removes old ones.',
    commands: workspaceCommands,
  },
};

/** The steps are commands too, with the flags that they have in a Task. */
const stepNames: Record<string, string> = {
  call: 'subpipe',
  trigger: 'subpipe-trigger',
  wait: 'subpipe-wait',
  resolve: 'pac-resolve',
};

export interface CliOptions {
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  stdin: () => Promise<string>;
  stdout: Output;
  stderr: Output;
}

/** The command `subpipe`, also known as `kubectl subpipe`, as this process. */
export async function main(): Promise<never> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      // Somebody who presses Ctrl-C twice means it.
      if (stop.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
      stop.abort(new SubpipeError('ABORTED', `stopped by ${name}`));
    });
  }
  const code = await runCli(process.argv.slice(2), {
    env: process.env,
    signal: stop.signal,
    stdin: () => text(process.stdin),
    stdout: standardOutput(),
    stderr: process.stderr,
  });
  process.exit(code);
}

/** Runs one command line and gives its exit code: 0 done, 1 it failed, 2 bad input, 3 an outside service failed for good. */
export async function runCli(argv: readonly string[], options: CliOptions): Promise<number> {
  const [name, ...rest] = argv;
  const { stdout, stderr, env, signal } = options;
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      (name === undefined ? stderr : stdout).write(help());
      return name === undefined ? 2 : 0;
    }
    if (name === 'version' || name === '--version') {
      stdout.write(`subpipe ${version}\n`);
      return 0;
    }
    const step = stepOf(name);
    if (step !== undefined) {
      return await runStep(step, rest, {
        env,
        signal,
        stdout: (out) => stdout.write(out),
        stderr: (out) => stderr.write(out),
      });
    }
    const group = groupOf(name);
    if (group !== undefined && ['help', '--help', '-h'].includes(rest[0] ?? '')) {
      stdout.write(helpOfGroup(name, group));
      return 0;
    }
    const { command, words } = commandOf(name, rest);
    const given = parseWords(command.flags, words, `Run subpipe ${command.name} --help for all flags.`);
    if (given.has('help')) {
      stdout.write(helpOf(command));
      return 0;
    }
    return await command.run({ ...options, words: given.words, flags: given });
  } catch (error) {
    stderr.write(`subpipe: ${explain(error)}\n`);
    return exitCodeOf(error);
  }
}

function stepOf(name: string): StepDefinition | undefined {
  return Object.hasOwn(stepNames, name) ? steps.find((one) => one.name === stepNames[name]) : undefined;
}

function groupOf(name: string): Group | undefined {
  return Object.hasOwn(groups, name) ? groups[name] : undefined;
}

/** The command that was asked for, and the words after its name. @throws SubpipeError `INVALID` where there is none. */
function commandOf(name: string, rest: readonly string[]): { command: Command; words: readonly string[] } {
  const group = groupOf(name);
  const [second, ...words] = rest;
  if (group === undefined) {
    const command = commands.find((one) => one.name === name);
    if (command !== undefined) return { command, words: rest };
    const all = [...commands.map((one) => one.name), ...Object.keys(groups), ...Object.keys(stepNames)];
    throw unknownCommand(name, all, 'subpipe --help');
  }
  const command = group.commands.find((one) => one.name === `${name} ${second}`);
  if (command !== undefined) return { command, words };
  const all = group.commands.map((one) => one.name.slice(name.length + 1));
  throw unknownCommand([name, second ?? ''].join(' ').trim(), all, `subpipe ${name} --help`);
}

function unknownCommand(name: string, all: readonly string[], help: string): SubpipeError {
  return invalid(`there is no command ${JSON.stringify(name)}: expected ${all.join(', ')}`, { hint: `Run ${help}.` });
}

function help(): string {
  const rows = [
    ...commands.map(({ name, summary }) => [name, summary] as const),
    ...Object.entries(groups).map(([name, { summary }]) => [name, summary] as const),
    ...Object.keys(stepNames).map((name) => [name, stepOf(name)?.summary ?? ''] as const),
  ];
  return [
    'subpipe: Tekton Pipelines that call Pipelines.',
    '',
    'subpipe COMMAND [flags], or kubectl subpipe COMMAND [flags]',
    ...rows.map(([name, summary]) => `  ${name.padEnd(9)} ${summary}`),
    '  --version',
    '',
    'Run subpipe COMMAND --help for its flags.',
    'Exit codes: 0 done, 1 what was asked for failed, 2 bad input, 3 an outside service failed for good.',
    '',
  ].join('\n');
}

function helpOfGroup(name: string, { summary, commands }: Group): string {
  const rows = commands.map((one) => `  ${one.name.padEnd(name.length + 5)} ${one.summary}`);
  return [
    `subpipe ${name} COMMAND`,
    '',
    summary,
    '',
    ...rows,
    '',
    `Run subpipe ${name} COMMAND --help for its flags.`,
    '',
  ].join('\n');
}

function helpOf({ name, summary, usage, description, flags }: Command): string {
  return [`subpipe ${name} ${usage}`, '', summary, description, '', ...flagRows(flags), ''].join('\n');
}

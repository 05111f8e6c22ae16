import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { exitCodeOf, explain, invalid, SubpipeError } from '../../runtime/errors.ts';
import type { Bench, Findings } from './bench.ts';
import { benches } from './benches.ts';
import { tableOf } from './table.ts';

const help = `Measures what we promise, against what else does the same.

npm run bench -- NAME [flags]
${Object.entries(benches)
  .map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`)
  .join('\n')}

  --rounds N   How often each thing that takes seconds is measured. Default 5; oci: 3.
  --scale X    oci: files of this part of the full size, such as 0.1. Default 1.
  --only LIST  Only these parts, with commas: ${Object.values(benches)
    .flatMap(({ parts }) => parts)
    .join(', ')}.
  --json FILE  Also write every measured value to FILE.

The table goes to stdout, progress to stderr. Exits 0 when all was measured, whatever came out: a missed goal is
a finding, no failure. 1 when something could not be measured, 2 on bad flags.
`;

interface Flags {
  name: string;
  bench: Bench;
  rounds: number;
  scale: number;
  only: readonly string[] | undefined;
  json: string | undefined;
}

/** `npm run bench`: see {@link help}. @returns the exit code. */
export async function benchCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new SubpipeError('ABORTED', 'stopped by a signal'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const flags = read(argv);
    if (flags === 'help') {
      process.stdout.write(help);
      return 0;
    }
    const { name, bench, rounds, scale, only } = flags;
    const began = Date.now();
    const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
    const findings = await bench.run({ env, rounds, scale, only, signal: stop.signal, say });
    process.stdout.write(textOf(findings));
    if (flags.json !== undefined) {
      const document = {
        bench: name,
        rounds,
        scale,
        machine: machine(),
        seconds: (Date.now() - began) / 1000,
        ...findings,
      };
      await writeFile(flags.json, `${JSON.stringify(document, undefined, 2)}\n`);
    }
    return findings.failures.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`bench: ${explain(error)}\n`);
    return exitCodeOf(error) === 2 ? 2 : 1;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function textOf({ rows, notes, failures }: Findings): string {
  const { cpus, model, memory } = machine();
  return [
    tableOf(rows),
    ...notes.map((note) => `${note}\n`),
    `Medians of n values; ratios are the median of ratios of pairs. ${cpus} cores (${model}), ${memory} GiB.\n`,
    ...failures.map((failure) => `NOT MEASURED: ${failure}\n`),
  ].join('\n');
}

/** What the numbers depend on, without the machine's name. */
function machine(): { cpus: number; model: string; memory: number; node: string } {
  const list = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  return { cpus: list.length, model: list[0]?.model ?? 'unknown', memory, node: process.version };
}

function read(argv: readonly string[]): Flags | 'help' {
  const { values, positionals } = parse(argv);
  if (values.help === true) return 'help';
  const [name = '', ...rest] = positionals;
  const bench = benches[name];
  if (bench === undefined || rest.length > 0) {
    throw invalid(
      `expected the name of one bench of ${Object.keys(benches).join(', ')}, got "${positionals.join(' ')}"`,
    );
  }
  const rounds = values.rounds ?? String(bench.rounds ?? 5);
  if (!/^[1-9]\d{0,3}$/.test(rounds)) throw invalid(`--rounds: expected a number from 1 to 9999, got "${rounds}"`);
  const scale = Number(values.scale ?? '1');
  if (!(scale > 0 && scale <= 100)) throw invalid(`--scale: expected a number such as 0.1, got "${values.scale}"`);
  const only = values.only?.split(',');
  const unknown = only?.find((part) => !bench.parts.includes(part));
  if (unknown !== undefined) throw invalid(`--only: expected some of ${bench.parts.join(', ')}, got "${unknown}"`);
  return { name, bench, rounds: Number(rounds), scale, only, json: values.json };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { rounds: text, scale: text, only: text, json: text, help: { type: 'boolean' } },
    });
  } catch (cause) {
    throw invalid('cannot read the command line', { cause, hint: 'See npm run bench -- --help.' });
  }
}

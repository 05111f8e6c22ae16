import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { explain } from '../../../runtime/errors.ts';
import { programOf } from '../../resolve/differential/programs.ts';
import type { Bench, BenchOptions, Findings } from '../bench.ts';
import { type Judge, type Row, row } from '../row.ts';
import { type Measure, measurer, type Usage } from './measure.ts';
import { ownProgram } from './program.ts';
import { makeRepository, runText, taskText } from './repository.ts';
import { slowServer } from './slow-server.ts';

/** Enough for a stable median of some dozen ms, whatever `--rounds` says. */
const leastRounds = 15;

const files = 600;
const remotes = 200;
const delayMs = 20;

interface Part {
  what: string;
  /** The most of the peer's wall time that is allowed. */
  goal: number;
  /** Makes the repository, and what it needs, while the part is measured. */
  make(folder: string): Promise<AsyncDisposable | undefined>;
  /** How many Tasks the result embeds. */
  embeds: number;
}

const parts: Readonly<Record<string, Part>> = {
  tiny: {
    what: 'a PipelineRun and two Tasks',
    goal: 1.3,
    embeds: 2,
    async make(folder) {
      const names = ['build', 'test'];
      const texts = Object.fromEntries(names.map((name) => [`.tekton/${name}.yaml`, taskText(name)]));
      await makeRepository(folder, { ...texts, '.tekton/on-push.yaml': runText(names) });
      return undefined;
    },
  },
  files: {
    what: `${files} files`,
    goal: 0.5,
    embeds: files - 1,
    async make(folder) {
      const names = Array.from({ length: files - 1 }, (_, index) => `task-${index}`);
      const texts = Object.fromEntries(names.map((name) => [`.tekton/tasks/${name}.yaml`, taskText(name)]));
      await makeRepository(folder, { ...texts, '.tekton/on-push.yaml': runText(names) });
      return undefined;
    },
  },
  remote: {
    what: `${remotes} remote Tasks, ${delayMs} ms away`,
    goal: 0.2,
    embeds: remotes,
    async make(folder) {
      const names = Array.from({ length: remotes }, (_, index) => `task-${index}`);
      const server = await slowServer(new Map(names.map((name) => [`/${name}.yaml`, taskText(name)])), delayMs);
      const urls = names.map((name) => `${server.url}/${name}.yaml`);
      const annotation = { 'pipelinesascode.tekton.dev/task': `[${urls.join(', ')}]` };
      await makeRepository(folder, { '.tekton/on-push.yaml': runText(names, annotation) });
      return server;
    },
  },
};

/** pac-resolve, as its image starts it, against the command whose place it takes. */
export const pacBench: Bench = {
  summary: 'pac-resolve against tkn pac resolve: wall, CPU and memory.',
  parts: Object.keys(parts),

  async run(options) {
    const { env, signal, say, only } = options;
    say('building tkn pac, the peer: minutes, once');
    const peer = await programOf('tkn-pac', signal);
    const measure = await measurer(env, signal);
    const folder = await mkdtemp(path.join(tmpdir(), 'subpipe-bench-'));
    const all: Findings = { rows: [], notes: [], failures: [] };
    try {
      const commands: Commands = {
        ours: [...(await ownProgram(folder)), '-f', '.tekton'],
        peer: [peer, 'resolve', '-f', '.tekton'],
        node: [process.execPath, '-e', '0'],
      };
      for (const [name, part] of Object.entries(parts)) {
        if (only !== undefined && !only.includes(name)) continue;
        say(`${name}: measuring`);
        try {
          const rounds = name === 'tiny' ? Math.max(options.rounds, leastRounds) : options.rounds;
          all.rows.push(
            ...rowsOf(part, await measurePart(part, path.join(folder, name), commands, measure, rounds, options)),
          );
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          all.failures.push(`${name}: ${explain(error)}`);
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return all;
  },
};

type Program = 'ours' | 'peer' | 'node';
type Commands = Readonly<Record<Program, readonly string[]>>;

async function measurePart(
  part: Part,
  folder: string,
  commands: Commands,
  measure: Measure,
  rounds: number,
  { signal }: BenchOptions,
): Promise<Record<Program, Usage[]>> {
  await using _server = await part.make(path.join(folder, 'repository'));
  // A home of the bench's own: no configuration, no cache from before, and no cluster that says "this is a pod".
  const env = { PATH: process.env.PATH, HOME: path.join(folder, 'repository') };
  const found: Record<Program, Usage[]> = { ours: [], peer: [], node: [] };
  const order: Program[] = ['node', 'ours', 'peer'];
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? order : order.toReversed()) {
      signal.throwIfAborted();
      const output = path.join(folder, 'repository', `.git/${name}.yaml`);
      const usage = await measure(commands[name], { cwd: path.join(folder, 'repository'), env, output, signal });
      if (round > 0) found[name].push(usage);
      else if (name !== 'node') await checkOutput(output, part.embeds, name);
    }
  }
  return found;
}

/** A program that is fast because it does something else is not compared. */
async function checkOutput(file: string, embeds: number, name: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const embedded = text.match(/^ +(?:- )?taskSpec:$/gm)?.length ?? 0;
  if (embedded !== embeds || text.includes('{{'))
    throw new Error(`${name} has embedded ${embedded} Tasks of ${embeds}`);
}

function rowsOf({ what, goal }: Part, found: Record<Program, Usage[]>): Row[] {
  const of = (program: Program, field: keyof Usage, scale = 1) => ({
    name: { ours: 'pac-resolve', peer: 'tkn pac resolve', node: 'bare Node' }[program],
    values: found[program].map((usage) => usage[field] * scale),
  });
  const fast: [string, Judge] = [`ratio at most ${goal}`, ({ ratio }) => ratio <= goal];
  return [
    row(`${what}: wall time`, 'ms', of('ours', 'wall', 1000), { peer: of('peer', 'wall', 1000), goal: fast }),
    row(`${what}: CPU time`, 'ms', of('ours', 'cpu', 1000), { peer: of('peer', 'cpu', 1000) }),
    row(`${what}: peak memory`, 'MiB', of('ours', 'memory'), { peer: of('peer', 'memory') }),
    row(`${what}: wall time`, 'ms', of('ours', 'wall', 1000), { peer: of('node', 'wall', 1000) }),
  ];
}

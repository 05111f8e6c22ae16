import type { Fields } from '../../../../runtime/shape.ts';
import type { Draft, Placed } from './draft.ts';
import { spoil } from './fault.ts';
import { pipelineObject, pipelineSpec } from './pipeline.ts';
import { Random } from './random.ts';
import { runObject } from './run.ts';
import { taskObject, type Version } from './task.ts';
import { pipelineNames, runNames, taskNames } from './text.ts';

/**
 * A `.tekton` folder, and what it names elsewhere. The same seed makes the same one.
 *
 * Left out is what ours answers otherwise on purpose (differences.ts has a case for each): documents that cannot be decoded, `.yml` in a
 * folder, several annotations that name one Task, a Pipeline that two runs share where one overrides its Tasks, or it names some by path.
 */
export function generate(seed: number): Draft {
  return new Generator(seed).draft();
}

const prefix = 'pipelinesascode.tekton.dev';

class Generator {
  readonly #seed: number;
  readonly #random: Random;
  /** What `-f` reads. */
  readonly #read: Fields[] = [];
  /** Other files of the repository, and what the server has. */
  readonly #beside: Placed[] = [];
  readonly #remote: Placed[] = [];
  readonly #local: string[];
  readonly #skipped: string[];

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#local = this.#random.some(taskNames, 4);
    this.#skipped = this.#random.chance(0.2) ? this.#random.some(taskNames, 2) : [];
  }

  draft(): Draft {
    const random = this.#random;
    for (const name of this.#local) {
      this.#read.push(taskObject(random, name, 'local', this.#version()));
      if (random.chance(0.05)) this.#read.push(taskObject(random, name, 'again', this.#version()));
    }
    const names = random.some(runNames, 3);
    const shared = random.chance(0.2) ? this.#pipeline(random.pick(pipelineNames), [], true) : undefined;
    for (const name of names.length === 0 ? ['r'] : names) this.#read.push(this.#run(name, shared));
    this.#read.push(...random.some(others, 2));
    const { files, args } = this.#files();
    const draft = { seed: this.#seed, files: [...files, ...this.#beside], remote: this.#remote, args };
    return random.chance(0.25) ? spoil(draft, random) : draft;
  }

  #version(): Version {
    return this.#random.chance(0.2) ? 'v1beta1' : 'v1';
  }

  #run(name: string, shared: Named | undefined): Fields {
    const random = this.#random;
    const version = this.#version();
    if (shared !== undefined) {
      return runObject(random, name, { pipelineRef: { name: shared.name } }, version, shared.annotations);
    }
    const { annotations, tasks } = this.#annotatedTasks(`of-${name}`);
    const known = [...new Set([...this.#local, ...tasks, ...this.#skipped])];
    if (random.chance(0.05)) {
      const resolver = { resolver: 'git', params: [{ name: 'url', value: 'https://example.com/r' }] };
      return runObject(random, name, { pipelineRef: resolver }, version, annotations);
    }
    if (random.chance(0.4)) {
      const spec = pipelineSpec(random, random.some(known, 4), version);
      return runObject(random, name, { pipelineSpec: spec }, version, annotations);
    }
    const pipeline = this.#pipeline(`${random.pick(pipelineNames)}-${name.slice(0, 9)}`, tasks);
    const ref = { name: pipeline.name, ...random.maybe(0.1, () => ({ apiVersion: `tekton.dev/${version}` })) };
    return runObject(random, name, { pipelineRef: ref }, version, { ...annotations, ...pipeline.annotations });
  }

  /** Annotations `task`, `task-N` and the Tasks that they name: each Task in one of them only, as the peer has no order among them. */
  #annotatedTasks(owner: string): { annotations: Record<string, string>; tasks: string[] } {
    const random = this.#random;
    if (random.chance(0.4)) return { annotations: {}, tasks: [] };
    const annotations: Record<string, string> = {};
    const tasks: string[] = [];
    const left = shuffled(taskNames, random);
    for (const key of random.some(['task', 'task-1', 'task-2', 'task-22'], 3)) {
      const names = left.splice(0, 1 + random.below(2));
      if (names.length === 0) break;
      const words = names.flatMap((name) => {
        const twice = random.chance(0.1) ? [this.#placed(name, `${owner}/second`)] : [];
        return [this.#placed(name, owner), ...twice];
      });
      tasks.push(...names);
      annotations[`${prefix}/${key}`] = listed(words, random);
    }
    return { annotations, tasks };
  }

  /** A Task somewhere else. @returns the word that names it */
  #placed(name: string, folder: string): string {
    const random = this.#random;
    const task = taskObject(random, name, `${folder}/${name}`, this.#version());
    if (random.chance(0.5)) return this.#serve(`/${folder}/${name}.yaml`, task);
    this.#beside.push({ path: `share/${folder}/${name}.yaml`, object: task });
    return `${random.pick(['', './'])}share/${folder}/${name}.yaml`;
  }

  #serve(path: string, object: Fields): string {
    this.#remote.push({ path, object });
    return `{{REMOTE}}${path}`;
  }

  /** A Pipeline in the files, at a URL or at a path. @param shared Several runs name it. */
  #pipeline(name: string, tasks: readonly string[], shared = false): Named {
    const random = this.#random;
    const version = this.#version();
    const own = random.chance(0.5) ? { annotations: {}, tasks: [] } : this.#annotatedTasks(`of-${name}`);
    const known = [...new Set([...this.#local, ...tasks, ...own.tasks, ...this.#skipped])];
    const make = (annotations: Record<string, string>) =>
      pipelineObject(random, name, random.some(known, 4), version, annotations);
    const key = `${prefix}/pipeline`;
    switch (random.below(4)) {
      case 0: {
        // Its relative paths are relative to itself: so it names URLs only, and what lies beside it.
        const beside = random.some(taskNames, shared ? 0 : 2).filter((task) => !own.tasks.includes(task));
        const folder = `pipelines/${name}`;
        for (const task of beside) {
          const object = taskObject(random, task, `beside-${name}`, this.#version());
          this.#remote.push({ path: `/${folder}/t/${task}.yaml`, object });
        }
        const annotations =
          beside.length === 0
            ? {}
            : {
                [`${prefix}/task`]: listed(
                  beside.map((task) => `./t/${task}.yaml`),
                  random,
                ),
              };
        const word = this.#serve(
          `/${folder}/p.yaml`,
          pipelineObject(
            random,
            name,
            random.some([...known.filter((one) => !own.tasks.includes(one)), ...beside], 4),
            version,
            annotations,
          ),
        );
        return { name, annotations: { [key]: random.pick([word, `[${word}]`]) } };
      }
      case 1: {
        const path = `share/${name}.yaml`;
        const object = pipelineObject(random, name, random.some([...this.#local, ...tasks], 4), version);
        this.#beside.push({ path, object });
        return { name, annotations: { [key]: `./${path}` } };
      }
      default:
        this.#read.push(make(own.annotations));
        return { name, annotations: {} };
    }
  }

  /** The objects in files, and the flags that name these. */
  #files(): { files: Placed[]; args: string[] } {
    const random = this.#random;
    const single = random.chance(0.2);
    const paths = single ? ['run.yaml', 'tasks.yml', 'more/others.yml'] : inFolder;
    const used = random.many(1, 3, () => random.pick(paths));
    const files = shuffled(this.#read, random).map((object) => ({ path: random.pick(used), object }));
    const named = [...new Set(files.map(({ path }) => path))];
    const many = random.chance(0.5) ? named.flatMap((path) => ['-f', path]) : ['-f', named.join(',')];
    return { files, args: [...(single ? many : ['-f', '.tekton']), ...this.#flags()] };
  }

  #flags(): string[] {
    const random = this.#random;
    const skip = this.#skipped.length === 0 ? [] : [['-s', this.#skipped.join(',')]];
    return [
      ...skip,
      ...(random.chance(0.2) ? [['--no-generate-name']] : []),
      ...(random.chance(0.1) ? [['--remoteTask=false']] : []),
      ...(random.chance(0.2) ? [['-B']] : []),
      ...(random.chance(0.1) ? [['--no-secret']] : []),
      ...(random.chance(0.5) ? [['-p', 'known=value']] : []),
      ...(random.chance(0.3) ? [['-p', 'revision=main,repo_url=https://example.com/o/r']] : []),
    ].flat();
  }
}

/** A Pipeline, and what a run's annotations must be to reach it. */
interface Named {
  name: string;
  annotations: Record<string, string>;
}

const inFolder = [
  '.tekton/all.yaml',
  '.tekton/run.yaml',
  '.tekton/tasks/t.yaml',
  '.tekton/a/b/c.yaml',
  '.tekton/Z.yaml',
];

const others: readonly Fields[] = [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } },
  { apiVersion: 'example.dev/v1', kind: 'Other', metadata: { name: 'o' }, spec: { tasks: 5 } },
  { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata: { name: 't' }, spec: { taskRef: { name: 'x' } } },
  { apiVersion: 'tekton.dev/v1beta1', kind: 'StepAction', metadata: { name: 'another' }, spec: { image: 'x' } },
  { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 1 } },
];

function listed(words: readonly string[], random: Random): string {
  if (words.length === 1 && random.chance(0.6)) return words.join('');
  return `[${random.pick(['', ' '])}${words.join(random.pick([',', ', ', ' , ']))}${random.pick(['', ' '])}]`;
}

function shuffled<T>(from: readonly T[], random: Random): T[] {
  return from
    .map((one) => ({ one, by: random.next() }))
    .sort((a, b) => a.by - b.by)
    .map(({ one }) => one);
}

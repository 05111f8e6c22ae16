import { readFile } from 'node:fs/promises';
import { invalid, SubpipeError } from '../../runtime/errors.ts';
import { type Fields, fieldsOf, isFields } from '../../runtime/shape.ts';
import { formatYaml, parseYaml } from '../../runtime/yaml.ts';
import { type Command, type CommandContext, kubeFlags, kubeOf, namespaceOf, oneWord } from '../command.ts';
import { sourceFile } from '../files.ts';
import { differences } from './compare.ts';
import { contractOf } from './contract.ts';
import { fromCluster, fromFile, type Lookup } from './lookup.ts';
import { stubAnnotation, stubOf } from './task.ts';

export const stub: Command = {
  name: 'stub',
  summary: "Writes a Task that calls one Pipeline; its params, results and workspaces are the Pipeline's own.",
  usage: 'PIPELINE [flags] > FILE',
  description: `
Tekton checks a run of a Pipeline that uses this Task when it begins, before any of its tasks: for params that are missing or
of the wrong type, and for results that the called Pipeline does not have. The options of the call (timeout, retries, on-failure and others) are params with the prefix
subpipe-; so are the Task's own results: subpipe-status, subpipe-reason, subpipe-runs and subpipe-failed-tasks.

The Pipeline is read from the cluster or from a file, but called by its name: the cluster must have it when the Task runs.
Workspaces go to the child as the calling run binds them. An emptyDir is a new and empty one there, as it is for every
TaskRun: to share files with the child, bind a persistentVolumeClaim or a volumeClaimTemplate.

  npx subpipe stub tests -n ci > tests-task.yaml
  npx subpipe stub tests -n ci --check tests-task.yaml    has the Pipeline changed? exits 1 if so`,
  flags: [
    {
      name: 'file',
      short: 'f',
      form: 'FILE',
      description: 'Read the Pipeline from a file or folder; - is standard input.',
    },
    { name: 'name', form: 'NAME', description: "Name of the Task. Default: the Pipeline's." },
    { name: 'image', form: 'IMAGE', description: 'Image of the step subpipe. Default: the released one.' },
    { name: 'check', form: 'FILE', description: 'Write nothing, but compare the Pipeline with the Task in FILE.' },
    ...kubeFlags,
  ],

  async run(context) {
    const { flags, stdout } = context;
    const name = oneWord(context, 'Pipeline');
    const check = flags.text('check');
    if (check !== undefined) return runCheck(check, name, context);
    if (name === undefined && !flags.has('file'))
      throw invalid('the name of the Pipeline is missing: expected subpipe stub PIPELINE');
    const { pipeline, findTask } = await lookUp(name, context);
    const contract = await contractOf(pipeline, findTask);
    const task = stubOf(pipeline, contract, {
      name: flags.text('name') ?? pipeline.metadata.name,
      image: flags.text('image'),
    });
    stdout.write(`${head(pipeline.metadata.name, context)}${formatYaml(task)}`);
    return 0;
  },
};

async function lookUp(name: string | undefined, context: CommandContext): Promise<Lookup> {
  const kube = kubeOf(context);
  const cluster = { kube, namespace: () => namespaceOf(context, kube), signal: context.signal };
  const file = context.flags.text('file');
  if (file === undefined) return fromCluster(name ?? '', cluster);
  await using source = await sourceFile(file, context.stdin);
  return await fromFile(name, source, cluster);
}

async function runCheck(file: string, word: string | undefined, context: CommandContext): Promise<number> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw invalid(`the file ${file} cannot be read`, { cause });
  });
  const task = fieldsOf(await parseYaml(text, file), file);
  const name = word ?? stubbedName(task);
  if (name === undefined) {
    throw invalid(`${file} is no Task that subpipe stub has written: its annotation ${stubAnnotation} is missing`);
  }
  const { pipeline, findTask } = await lookUp(name, context);
  const found = differences(task, await contractOf(pipeline, findTask), file);
  if (found.length === 0) {
    context.stdout.write(`${file} fits the Pipeline ${name}.\n`);
    return 0;
  }
  throw new SubpipeError('FAILED', `${file} does not fit the Pipeline ${name} any more: ${found.join('; ')}`, {
    hint: 'Make it again with the command in its first line.',
  });
}

function stubbedName({ metadata }: Fields): string | undefined {
  const annotations = isFields(metadata) ? metadata.annotations : undefined;
  const name = isFields(annotations) ? annotations[stubAnnotation] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** Says how the file was made, without what belongs to one machine: kubeconfig and context. */
function head(pipeline: string, { flags }: CommandContext): string {
  const given = ['file', 'namespace', 'name', 'image'].flatMap((flag) => {
    const value = flags.text(flag);
    return value === undefined ? [] : [` --${flag}=${quoted(value)}`];
  });
  return [
    `# Made by: npx subpipe stub ${pipeline}${given.join('')}`,
    `# Its params, results and workspaces are those of the Pipeline ${pipeline}; subpipe stub --check says whether they still are.`,
    '',
  ].join('\n');
}

function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

import { randomUUID } from 'node:crypto';
import { type Call, readParamWord, readRunSpec, readWorkspaces } from '../../runtime/call/call.ts';
import { logModes } from '../../runtime/call/logs.ts';
import { prepare } from '../../runtime/call/prepare.ts';
import { parseDuration } from '../../runtime/duration.ts';
import { explain, hasCode, invalid, SubpipeError } from '../../runtime/errors.ts';
import { createLog } from '../../runtime/log.ts';
import { readBeside } from '../../runtime/resolve/folder.ts';
import { isFields, optionalText } from '../../runtime/shape.ts';
import { parseYaml } from '../../runtime/yaml.ts';
import { type Command, type CommandContext, kubeFlags, kubeOf, namespaceOf, oneWord } from '../command.ts';
import { type SourceFile, sourceFile } from '../files.ts';
import { createRun } from './create.ts';
import { followRun } from './follow.ts';
import { titleOf } from './render.ts';

export const run: Command = {
  name: 'run',
  summary: 'Creates a PipelineRun and follows it, and all runs that it calls, to the end.',
  usage: 'PIPELINE [-p NAME=VALUE]... [flags], or subpipe run -f FILE [flags]',
  description: `
Shows the logs of the whole tree of runs, the tree itself and a table at the end. Exits 0 if the run succeeded and 1 if not.
Params and workspaces are checked before anything is created. Ctrl-C ends the following; the run goes on.

With -f, the PipelineRun (or, without one, the Pipeline) comes from a file or folder. Its Pipeline and Tasks are put into the
run from there, and nothing but the run is created: Pipelines that it calls must be in the cluster.

  subpipe run main -p revision=v1 -p 'suites=["unit","e2e"]' -w '{name: source, persistentVolumeClaim: {claimName: code}}'
  subpipe run -f .tekton/`,
  flags: [
    { name: 'file', short: 'f', form: 'FILE', description: 'A file or folder; - is standard input.' },
    { name: 'param', short: 'p', form: 'NAME=VALUE', repeat: true, description: 'JSON for arrays and objects.' },
    { name: 'workspace', short: 'w', form: 'YAML', repeat: true, description: 'A binding as a PipelineRun has it.' },
    { name: 'service-account', form: 'NAME', description: "Default: the file's, else as the cluster says." },
    { name: 'timeout', form: 'DURATION', description: "Default: the file's, else as the cluster says." },
    { name: 'run-spec', form: 'YAML', description: 'A fragment of a PipelineRun spec that is merged in.' },
    { name: 'logs', form: logModes.join('|'), description: 'Whose logs are shown. Default: all.' },
    ...kubeFlags,
  ],

  async run(context) {
    const { flags, stdout, stderr, env, signal } = context;
    const kube = kubeOf(context);
    const mode = flags.text('logs') ?? 'all';
    const logs = logModes.find((one) => one === mode);
    if (logs === undefined)
      throw invalid(`--logs must be one of ${logModes.join(', ')}, but is ${JSON.stringify(mode)}`);
    const log = createLog({ name: 'subpipe', write: (line) => stderr.write(line) });
    const pipeline = oneWord(context, 'Pipeline');
    // Entry files and exports of pipelines will be another kind of source here.
    const file = flags.text('file');
    if (file === undefined && pipeline === undefined) {
      throw invalid('there is nothing to run: expected the name of a Pipeline, or a file with -f');
    }
    await using source = file === undefined ? undefined : await sourceFile(file, context.stdin);
    const namespace = (await namespaceIn(source, context)) ?? (await namespaceOf(context, kube));
    const [plan] = await prepare([await callOf(pipeline, source, context)], {
      kube,
      log,
      caller: undefined,
      callerUid: randomUUID(),
      namespace,
      folder: source?.folder ?? '.',
      maxDepth: 10,
      signal,
    });
    if (plan === undefined) throw new TypeError('one call is prepared as one');
    const created = await createRun(kube, plan, signal);
    const { name } = created.metadata;
    stdout.write(`PipelineRun ${name} of ${plan.source.title} in namespace ${namespace} created\n`);
    const title = titleOf(created) ?? plan.source.title.replace(/-+$/, '');
    const colour = stdout.isTTY === true && (env.NO_COLOR ?? '') === '';
    try {
      const { outcome } = await followRun({ kube, run: created, title, logs, out: stdout, colour, signal });
      if (outcome.status === 'Succeeded') return 0;
      throw new SubpipeError('FAILED', `${name} ended as ${outcome.status} (${outcome.reason})`);
    } catch (error) {
      if (!hasCode(error, 'ABORTED')) throw error;
      const patch = `kubectl patch pipelinerun ${name} -n ${namespace} --type merge -p '{"spec":{"status":"Cancelled"}}'`;
      stderr.write(`subpipe: ${explain(error)} To cancel it: ${patch}\n`);
      return 1;
    }
  },
};

async function callOf(
  pipeline: string | undefined,
  source: SourceFile | undefined,
  { flags }: CommandContext,
): Promise<Call> {
  const timeout = flags.text('timeout');
  const runSpec = flags.text('run-spec');
  const bindings = await Promise.all(flags.all('workspace').map((text) => parseYaml(text, '--workspace')));
  return {
    name: 'run',
    source:
      source === undefined ? { kind: 'pipeline', name: pipeline ?? '' } : { kind: 'file', path: source.file, pipeline },
    params: flags.all('param').map(readParamWord),
    workspaces: readWorkspaces(bindings.flat(), '--workspace'),
    namespace: undefined,
    serviceAccount: flags.text('service-account'),
    timeout: timeout === undefined ? undefined : parseDuration(timeout, '--timeout'),
    retries: 0,
    labels: {},
    annotations: {},
    runSpec: runSpec === undefined ? {} : readRunSpec(await parseYaml(runSpec, '--run-spec'), '--run-spec'),
    runAfter: [],
    onFailure: 'fail',
  };
}

/** The namespace that the file's PipelineRun names, unless -n does. */
async function namespaceIn(source: SourceFile | undefined, { flags }: CommandContext): Promise<string | undefined> {
  if (source === undefined || flags.has('namespace')) return undefined;
  const { own } = await readBeside(source.folder, source.file);
  const runs = own.filter(({ kind }) => kind === 'PipelineRun');
  if (runs.length > 1)
    throw invalid(`expected one PipelineRun in the file, but it holds ${runs.map(({ name }) => name).join(', ')}`);
  const metadata = runs[0]?.object.metadata;
  return isFields(metadata) ? optionalText(metadata.namespace, 'metadata.namespace') : undefined;
}

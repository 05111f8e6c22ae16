import { callerUidLabel, callLabel, childRun } from '../../runtime/call/child.ts';
import type { PreparedCall } from '../../runtime/call/prepare.ts';
import { hasCode, invalid } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import { createLog } from '../../runtime/log.ts';
import type { Fields } from '../../runtime/shape.ts';
import { splitWords } from '../../runtime/words.ts';
import { readWrapOptions } from '../../runtime/wrap/options.ts';
import { carriedBy } from '../../runtime/wrap/uses.ts';
import type { WrapOptions } from '../../runtime/wrap/wrap.ts';
import { formatYaml } from '../../runtime/yaml.ts';
import { type Command, type CommandContext, kubeFlags, kubeOf, namespaceOf, oneWord } from '../command.ts';
import { sourceFile } from '../files.ts';
import { callFlags, callOf, namespaceIn } from '../run/call.ts';
import { logModeOf, logsFlag, prepareCall, startAndFollow } from '../run/start.ts';
import { ociPipelineIn } from './read.ts';

export const wrap: Command = {
  name: 'wrap',
  summary: 'Writes a PipelineRun whose Tasks hand on their emptyDir workspaces as OCI images; or runs it.',
  usage: 'PIPELINE --target TARGET -w BINDING... [flags], or subpipe wrap -f FILE [flags]',
  description: `
Each Task that uses a workspace bound to an emptyDir pulls what the Tasks before it have pushed, and pushes what it has changed.
Other workspaces stay as they are. The PipelineRun goes to standard output, for kubectl create -f -; with --create it is run.

A file may hold a Pipeline and a Run of kind OCIPipeline, as the custom task takes them: its params ocipipeline.target and
ocipipeline.base are --target and --base then.

  subpipe wrap build -w '{name: sources, emptyDir: {}}' --target 'ghcr.io/team/$(context.run.name)-{{workspace}}' --create
  subpipe wrap -f run.yaml | kubectl create -f -`,
  flags: [
    ...callFlags,
    {
      name: 'target',
      form: 'TARGET',
      description: 'Where images go, with {{workspace}} and $(context.run.name) for names.',
    },
    { name: 'base', form: 'IMAGE', description: 'What a workspace begins with. Default: it begins empty.' },
    { name: 'insecure', form: 'HOST,…', description: 'Registries that speak HTTP without TLS, by host and port.' },
    {
      name: 'images',
      form: 'IMAGE',
      description: 'Images of pull and push, with {{step}}. Default: the released ones.',
    },
    {
      name: 'user',
      form: 'UID|image',
      description: "Who pull and push run as. Default: as the Task's steps, or root.",
    },
    { name: 'create', description: 'Run it, and follow it to the end.' },
    logsFlag,
    ...kubeFlags,
  ],

  async run(context) {
    const { flags, stdout } = context;
    const kube = kubeOf(context);
    const logs = logModeOf(context);
    const plan = await planOf(context, kube);
    if (flags.has('create')) return await startAndFollow(plan, kube, logs, context);
    stdout.write(formatYaml(manifestOf(plan, flags.text('namespace'))));
    return 0;
  },
};

async function planOf(context: CommandContext, kube: KubeClient): Promise<PreparedCall> {
  const { flags, stderr, signal } = context;
  const log = createLog({ name: 'subpipe', write: (line) => stderr.write(line) });
  const pipeline = oneWord(context, 'Pipeline');
  const file = flags.text('file');
  if (file === undefined && pipeline === undefined) {
    throw invalid('there is nothing to wrap: expected the name of a Pipeline, or a file with -f');
  }
  await using source = file === undefined ? undefined : await sourceFile(file, context.stdin);
  const custom = source === undefined ? undefined : await ociPipelineIn(source);
  if (custom !== undefined && custom.left.length > 0) {
    log.warn(`${custom.left.join(', ')} of the run has no counterpart in a PipelineRun, and is left out`);
  }
  const asked = await callOf(pipeline, source, context);
  const call = {
    ...asked,
    ...(custom === undefined ? {} : { source: { kind: 'run' as const, run: custom.run } }),
    ociWorkspaces: optionsOf(context, custom),
  };
  const named = custom?.run.metadata.namespace ?? (await namespaceIn(source, context));
  const namespace = flags.text('namespace') ?? named ?? (await standardNamespace(context, kube, file !== undefined));
  const plan = await prepareCall(call, { kube, log, namespace, folder: source?.folder, signal });
  if (carriedBy(plan.call.workspaces).length === 0) {
    throw invalid(`no workspace of ${plan.source.title} is bound to an emptyDir: there is nothing to wrap`, {
      hint: "Bind one with -w '{name: NAME, emptyDir: {}}'.",
    });
  }
  return plan;
}

/** Flags win over what the file says. */
function optionsOf(
  { flags }: CommandContext,
  file: { target: string | undefined; base: string | undefined } | undefined,
): WrapOptions {
  const target = flags.text('target') ?? file?.target;
  const options = readWrapOptions(
    {
      target,
      base: flags.text('base') ?? file?.base,
      insecure: splitWords(flags.text('insecure') ?? '', '--insecure'),
      images: flags.text('images'),
      user: flags.text('user'),
    },
    {
      target: flags.has('target') || file === undefined ? '--target' : 'ocipipeline.target',
      base: flags.has('base') || file === undefined ? '--base' : 'ocipipeline.base',
      insecure: '--insecure',
      images: '--images',
      user: '--user',
    },
  );
  if (options === undefined) {
    const missing = file === undefined ? '--target' : 'the param ocipipeline.target, or --target,';
    throw invalid(`${missing} is missing: expected where images go, such as HOST/TEAM/{{workspace}}`);
  }
  return options;
}

/** A file that has all that is needed can be wrapped where there is no cluster. */
async function standardNamespace(context: CommandContext, kube: KubeClient, hasFile: boolean): Promise<string> {
  try {
    return await namespaceOf(context, kube);
  } catch (error) {
    const given = context.flags.has('kubeconfig') || context.flags.has('context') || context.flags.has('create');
    if (!hasFile || given || !hasCode(error, 'INVALID')) throw error;
    return 'default';
  }
}

/** The run as a person would create it. */
function manifestOf(plan: PreparedCall, asked: string | undefined): Fields {
  const { metadata, spec } = childRun(plan, 0);
  const { name, generateName, namespace: written } = plan.source.base?.metadata ?? {};
  const namespace = asked ?? written;
  const { [callLabel]: _call, [callerUidLabel]: _caller, ...labels } = metadata.labels ?? {};
  const prefix = generateName ?? `${plan.source.title.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-')}-`;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: {
      ...(name === undefined || name === '' ? { generateName: prefix } : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      annotations: metadata.annotations,
    },
    spec,
  };
}

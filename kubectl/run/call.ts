import { type Call, readParamWord, readRunSpec, readWorkspaces } from '../../runtime/call/call.ts';
import { parseDuration } from '../../runtime/duration.ts';
import { invalid } from '../../runtime/errors.ts';
import { readBeside } from '../../runtime/resolve/folder.ts';
import { isFields, optionalText } from '../../runtime/shape.ts';
import { parseYaml } from '../../runtime/yaml.ts';
import type { CommandContext } from '../command.ts';
import type { SourceFile } from '../files.ts';
import type { Flag } from '../flags.ts';

/** Flags that say what is run and with what. */
export const callFlags: readonly Flag[] = [
  { name: 'file', short: 'f', form: 'FILE', description: 'A file or folder; - is standard input.' },
  { name: 'param', short: 'p', form: 'NAME=VALUE', repeat: true, description: 'JSON for arrays and objects.' },
  { name: 'workspace', short: 'w', form: 'YAML', repeat: true, description: 'A binding as a PipelineRun has it.' },
  { name: 'service-account', form: 'NAME', description: "Default: the file's, else as the cluster says." },
  { name: 'timeout', form: 'DURATION', description: "Default: the file's, else as the cluster says." },
  { name: 'run-spec', form: 'YAML', description: 'A fragment of a PipelineRun spec that is merged in.' },
];

/** The call that the flags ask for, of a Pipeline of the cluster or of a file. */
export async function callOf(
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
export async function namespaceIn(
  source: SourceFile | undefined,
  { flags }: CommandContext,
): Promise<string | undefined> {
  if (source === undefined || flags.has('namespace')) return undefined;
  const { own } = await readBeside(source.folder, source.file);
  const runs = own.filter(({ kind }) => kind === 'PipelineRun');
  if (runs.length > 1)
    throw invalid(`expected one PipelineRun in the file, but it holds ${runs.map(({ name }) => name).join(', ')}`);
  const metadata = runs[0]?.object.metadata;
  return isFields(metadata) ? optionalText(metadata.namespace, 'metadata.namespace') : undefined;
}

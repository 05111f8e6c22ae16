import { invalid } from '../../runtime/errors.ts';
import { createLog } from '../../runtime/log.ts';
import { type Command, kubeFlags, kubeOf, namespaceOf, oneWord } from '../command.ts';
import { sourceFile } from '../files.ts';
import { callFlags, callOf, namespaceIn } from './call.ts';
import { logModeOf, logsFlag, prepareCall, startAndFollow } from './start.ts';

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
  flags: [...callFlags, logsFlag, ...kubeFlags],

  async run(context) {
    const { flags, stderr, signal } = context;
    const kube = kubeOf(context);
    const logs = logModeOf(context);
    const log = createLog({ name: 'subpipe', write: (line) => stderr.write(line) });
    const pipeline = oneWord(context, 'Pipeline');
    // Entry files and exports of pipelines will be another kind of source here.
    const file = flags.text('file');
    if (file === undefined && pipeline === undefined) {
      throw invalid('there is nothing to run: expected the name of a Pipeline, or a file with -f');
    }
    await using source = file === undefined ? undefined : await sourceFile(file, context.stdin);
    const namespace = (await namespaceIn(source, context)) ?? (await namespaceOf(context, kube));
    const call = await callOf(pipeline, source, context);
    const plan = await prepareCall(call, { kube, log, namespace, folder: source?.folder, signal });
    return await startAndFollow(plan, kube, logs, context);
  },
};

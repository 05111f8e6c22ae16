import { callerFields } from '../../runtime/call/caller.ts';
import { callRules } from '../../runtime/call/rules.ts';
import { choice, integer, list, resourceName, text, toggle, words } from '../../runtime/params.ts';
import { eventNames } from '../../runtime/resolve/event/event-names.ts';
import { arrayResult, textResult } from '../../runtime/results.ts';
import { defineStep } from '../../runtime/step.ts';

export const pacResolve = defineStep({
  name: 'pac-resolve',
  summary: "Resolves a repository's .tekton folder to PipelineRuns that need nothing else.",
  description:
    'Pipelines and Tasks are embedded, wherever they come from: the files, a catalogue, a URL, a path, named by annotations ' +
    'as Pipelines-as-Code reads them. The flags are those of tkn pac resolve, and more.',
  replaces: 'tkn pac resolve',
  params: {
    filename: words('Files and folders to read. Default in a Task: .tekton.', { form: 'FILE,…', short: 'f' }),
    params: list('Values for {{ variables }}, each name=value.', { form: 'NAME=VALUE', short: 'p', commas: true }),
    output: text('Write the result to this file. Default: standard output.', { short: 'o' }),
    skip: words('Tasks to leave as references.', { form: 'NAME,…', short: 's' }),
    providerToken: text("Token for the repository's forge, and for git_auth_secret. Default: PAC_PROVIDER_TOKEN.", {
      short: 't',
      aliases: ['providerToken'],
    }),
    noSecret: toggle('Look for no Secret and make none where git_auth_secret is used.'),
    noGenerateName: toggle('Keep the names of the PipelineRuns.'),
    remoteTask: toggle('Follow annotations to remote Tasks and Pipelines.', {
      default: 'true',
      aliases: ['remoteTask'],
    }),
    v1beta1: toggle('Write tekton.dev/v1beta1.', { short: 'B' }),
    namespace: resourceName(
      "Namespace for create, and where a Secret for git_auth_secret is looked for. Default: the caller's, or the context's.",
      { short: 'n' },
    ),
    source: text("The repository's checkout. Default: the working directory.", { bound: '$(workspaces.source.path)' }),
    repository: text('URL of a repository to read through its forge, without a checkout.', { aliases: ['repo-url'] }),
    revision: text("Branch, tag or commit of repository. Default: its default branch's head."),
    inlineAll: toggle('Embed what bundles and resolvers refer to as well.'),
    catalogs: words('Catalogues of your own, each name=url, and maybe type and id.', {
      form: 'NAME=URL,…',
      aliases: ['catalog'],
    }),
    cache: text('Folder that keeps what was fetched. Default: ~/.cache/subpipe/sources, in a pod none.'),
    offline: toggle('Use only what the cache has.'),
    lock: toggle('Write the digest of all that is remote to .tekton/lock.yaml.'),
    allowPrivateAddresses: choice(
      ['true', 'false'],
      'Whether loopback and link-local addresses may be asked. Default: not in a pod.',
    ),
    event: choice(eventNames, 'Resolve only what this event starts.'),
    targetBranch: text('The branch that the event is on, or goes to.'),
    tag: text('The tag that was pushed, in place of a branch.'),
    targetRun: text('The PipelineRun that an incoming webhook asks for.'),
    sourceBranch: text('The branch that the event comes from.'),
    changedFiles: words('What the event has changed. Default: as git tells.', { form: 'PATH,…' }),
    labels: words('Labels of the pull request.', { form: 'LABEL,…' }),
    comment: text('The comment that the event is about.'),
    sender: text('Who caused the event.'),
    pullRequest: integer('Number of the pull request.'),
    payload: text("A file with a webhook's JSON body: the event it tells."),
    headers: text("A file with the webhook's headers."),
    repositoryFile: text('A file with the Repository resource: its custom params.'),
    explain: toggle('Tell for each PipelineRun why it starts or not.'),
    validate: toggle('Check the result, its size too, as Tekton and the API server would; a finding is a failure.'),
    diff: text('A git revision: show what has changed in the resolved PipelineRuns since then, in place of them.'),
    create: toggle('Create the PipelineRuns, and return their names in runs.'),
  },
  workspaces: { source: { description: "The repository's checkout." } },
  results: {
    runs: arrayResult('Names of the PipelineRuns that were created.'),
    count: textResult('How many were created: 0 where the event starts none.'),
  },
  rbac: callRules,
  podFields: callerFields,

  async run(context) {
    const { resolveStep } = await import('./work.ts');
    await resolveStep(context);
  },
});

export type PacResolveParams = typeof pacResolve.params;
export type PacResolveResults = typeof pacResolve.results;

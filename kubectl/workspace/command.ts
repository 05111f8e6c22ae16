import { invalid } from '../../runtime/errors.ts';
import type { Command, CommandContext } from '../command.ts';
import type { Flag } from '../flags.ts';
import { parseAge } from './expiry.ts';

const registryFlags: readonly Flag[] = [
  { name: 'insecure', form: 'HOST,…', description: 'Registries that speak HTTP without TLS, by host and port.' },
  { name: 'ca-file', form: 'FILE', description: 'PEM file with CAs that count for registries beside the usual ones.' },
];
const platformFlag: Flag = {
  name: 'platform',
  form: 'OS/ARCHITECTURE',
  description: "Which image of an index. Default: this machine's.",
};
const outputFlag: Flag = { name: 'output', short: 'o', form: 'json', description: 'JSON for machines.' };
const dryRunFlag = (what: string): Flag => ({ name: 'dry-run', description: `List what would be ${what}.` });
const references = `A REF is REPO:TAG, REPO@sha256:…, or oci:FOLDER:TAG for a layout folder.`;

const ls: Command = {
  name: 'workspace ls',
  summary: 'Lists what is in a workspace.',
  usage: 'REF [PATH] [flags]',
  description: `
${references} What was pushed to a tag side by side is listed as a pull merges it.
With a PATH, only layers that may have something of it are downloaded.

  subpipe workspace ls ghcr.io/team/work:main src -l`,
  flags: [
    { name: 'long', short: 'l', description: 'With modes, owners, sizes in bytes, times and where links point.' },
    { name: 'recursive', short: 'R', description: 'All that is below as well.' },
    { name: 'merge', form: 'first|last', description: 'Whose change counts where pushes side by side differ.' },
    outputFlag,
    platformFlag,
    ...registryFlags,
  ],
  async run(context) {
    const [reference, path] = wordsOf(context, ['REF'], ['PATH']);
    const { flags, stdout } = context;
    const { readingOf, wantsJson } = await import('./context.ts');
    const options = {
      reference,
      path,
      recursive: flags.has('recursive'),
      long: flags.has('long'),
      json: wantsJson(context),
      merge: mergeOf(flags.text('merge')),
    };
    return (await import('./ls.ts')).ls(options, readingOf(context), stdout);
  },
};

const diff: Command = {
  name: 'workspace diff',
  summary: 'Tells what changed from one workspace to another.',
  usage: 'BEFORE AFTER [flags]',
  description: `
${references} A is added, M is changed, D is removed. Layers that both have are downloaded only where they may have one
of the paths that differ: to tell what is new from what is changed. Another time alone is no change.

  subpipe workspace diff ghcr.io/team/work@sha256:… ghcr.io/team/work@sha256:… --exit-code`,
  flags: [
    { name: 'exit-code', description: 'Exit with 1 where something differs, with 2 or 3 after an error.' },
    { name: 'times', description: 'Another time alone is a change, too.' },
    outputFlag,
    platformFlag,
    ...registryFlags,
  ],
  async run(context) {
    const [before, after] = wordsOf(context, ['BEFORE', 'AFTER']);
    const { flags, stdout } = context;
    const { readingOf, wantsJson } = await import('./context.ts');
    const options = {
      before,
      after: after ?? '',
      json: wantsJson(context),
      exitCode: flags.has('exit-code'),
      times: flags.has('times'),
    };
    return (await import('./diff.ts')).diff(options, readingOf(context), stdout);
  },
};

const log: Command = {
  name: 'workspace log',
  summary: 'Tells by which Tasks a workspace was made, and what each has pushed.',
  usage: 'REF [flags]',
  description: `
${references} Times, PipelineRuns and TaskRuns are told of images that were pushed with record=run; the Task's name of others.
What a push was about is read from its layers' annotations, in which a folder may stand for what is in it; --files reads the layers.

  subpipe workspace log ghcr.io/team/work:main`,
  flags: [
    { name: 'files', description: 'Download the layers and list each path: W is written, D is removed.' },
    { name: 'limit', short: 'n', form: 'N', description: 'Only the last N pushes.' },
    outputFlag,
    platformFlag,
    ...registryFlags,
  ],
  async run(context) {
    const [reference] = wordsOf(context, ['REF']);
    const { flags, stdout } = context;
    const { readingOf, wantsJson } = await import('./context.ts');
    const limit = countOf(context, 'limit', 1) ?? Number.POSITIVE_INFINITY;
    const options = { reference, json: wantsJson(context), files: flags.has('files'), limit };
    return (await import('./log.ts')).log(options, readingOf(context), stdout);
  },
};

const gc: Command = {
  name: 'workspace gc',
  summary: 'Removes tags of workspaces that have expired or that others were made from.',
  usage: 'REPO[:TAG]|oci:FOLDER[:TAG] [flags]',
  description: `
With a TAG, only that one and what was announced for it: the tags TAG.xxxx that pushes side by side get. An announcement goes
when another image of the same tag was made from it; any tag goes when its image's label quay.expires-after says so. How old an image
is, it must say itself (record=run); in a layout folder its file does. What a tag that stays needs is not removed.

  subpipe workspace gc ghcr.io/team/work:main --older-than 2w --keep 3 --dry-run`,
  flags: [
    { name: 'keep', form: 'N', description: 'The last N images of each tag stay in any case.' },
    { name: 'older-than', form: 'AGE', description: 'What was announced longer ago has expired too: 12h, 3d, 2w.' },
    dryRunFlag('removed'),
    outputFlag,
    ...registryFlags,
  ],
  async run(context) {
    const [reference] = wordsOf(context, ['REF']);
    const { flags, stdout } = context;
    if (reference.includes('@')) throw invalid(`${reference} has a digest: expected REPO, REPO:TAG or oci:FOLDER:TAG`);
    const age = flags.text('older-than');
    const olderThan = age === undefined ? undefined : parseAge(age);
    if (age !== undefined && olderThan === undefined) {
      throw invalid(`--older-than must be an age such as 12h, 3d or 2w, but is ${JSON.stringify(age)}`);
    }
    const { readingOf, wantsJson } = await import('./context.ts');
    const keep = countOf(context, 'keep', 0) ?? 0;
    const options = { reference, keep, olderThan, dryRun: flags.has('dry-run'), json: wantsJson(context) };
    return (await import('./gc.ts')).gc(options, readingOf(context), stdout);
  },
};

const push: Command = {
  name: 'workspace push',
  summary: 'Pushes what changed in a folder since it was pulled, as the step oci-workspace-push does.',
  usage: 'FOLDER TARGET [flags]',
  description: `
The TARGET is REPO, REPO:TAG or oci:FOLDER:TAG. The image by its digest goes to standard output.

  subpipe workspace push . ghcr.io/team/work:try --exclude node_modules/`,
  flags: [
    { name: 'base', form: 'IMAGE', description: 'What the change is against, where the folder was not pulled.' },
    { name: 'exclude', form: 'PATTERN,…', description: 'Leave out what matches these gitignore patterns.' },
    { name: 'tag', form: 'TAG', repeat: true, description: 'More tags that the image gets.' },
    {
      name: 'expires-after',
      form: 'AGE',
      description: 'The label quay.expires-after: 12h, 3d, 2w. Also makes the image say when it was pushed, for gc.',
    },
    dryRunFlag('in the layer, and push nothing'),
    ...registryFlags,
  ],
  async run(context) {
    const [folder, target] = wordsOf(context, ['FOLDER', 'TARGET']);
    return (await import('./transfer.ts')).push(folder, target ?? '', context);
  },
};

const pull: Command = {
  name: 'workspace pull',
  summary: 'Makes a folder what a workspace has, as the step oci-workspace-pull does.',
  usage: 'REF FOLDER [flags]',
  description: `
${references} The folder is replaced as a whole. One that has other files than what was pulled or pushed there last is not
replaced without --force.

  subpipe workspace pull ghcr.io/team/work:main /tmp/work`,
  flags: [
    { name: 'force', description: 'Replace the folder with all that is in it.' },
    { name: 'path', form: 'PATH', repeat: true, description: 'Pull only this file or folder.' },
    { name: 'merge', form: 'first|last', description: 'Whose change counts where pushes side by side differ.' },
    platformFlag,
    ...registryFlags,
  ],
  async run(context) {
    const [reference, folder] = wordsOf(context, ['REF', 'FOLDER']);
    const merge = mergeOf(context.flags.text('merge'));
    return (await import('./transfer.ts')).pull(reference, folder ?? '', merge, context);
  },
};

/** `subpipe workspace …`: what people do with workspaces that are images. */
export const workspaceCommands: readonly Command[] = [ls, diff, log, gc, push, pull];

function wordsOf(
  { words }: CommandContext,
  needed: readonly [string, ...string[]],
  optional: readonly string[] = [],
): [string, ...(string | undefined)[]] {
  const [first, ...rest] = words;
  const names = [...needed, ...optional.map((name) => `[${name}]`)].join(' ');
  const isTooMany = words.length > needed.length + optional.length;
  if (first !== undefined && words.length >= needed.length && !isTooMany) return [first, ...rest];
  const came = words.length === 0 ? 'nothing came' : `${words.length} words came: ${words.join(' ')}`;
  throw invalid(`expected ${names}, but ${came}`);
}

function countOf({ flags }: CommandContext, name: string, least: number): number | undefined {
  const text = flags.text(name);
  if (text === undefined || (/^\d{1,9}$/.test(text) && Number(text) >= least)) {
    return text === undefined ? undefined : Number(text);
  }
  throw invalid(`--${name} must be a whole number of at least ${least}, but is ${JSON.stringify(text)}`);
}

function mergeOf(text: string | undefined): 'error' | 'first' | 'last' {
  if (text === undefined || text === 'first' || text === 'last') return text ?? 'error';
  throw invalid(`--merge must be first or last, but is ${JSON.stringify(text)}`);
}

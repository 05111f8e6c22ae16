import { createHash } from 'node:crypto';
import { invalid } from '../errors.ts';
import { parseName } from '../oci/name.ts';
import { expressionsIn } from '../tekton/variables.ts';

/** Where the workspaces of a wrapped run go, as a person writes it: `ghcr.io/team/$(context.run.name)-{{workspace}}:latest`. */
export interface Target {
  /** The repository, with Tekton's variables and `{{workspace}}` in it. */
  repository: string;
  /** The tag that is moved to each image that a Task pushes, for people; undefined: none. */
  tag: string | undefined;
}

/** Stands for the name of a workspace. */
const workspaceWord = /\{\{\s*workspace\s*\}\}/g;

/** What the custom task called the name of its run, and what Tekton calls it. */
const runName = /\$\(context\.run\.name\)/g;

const known = /^(context\.pipelineRun\.(name|namespace|uid)|context\.pipeline\.name|params\.[A-Za-z0-9_-]+)$/;

/**
 * Reads a target.
 * @param where The flag or field, for errors.
 * @param workspaces Names of the workspaces that go there.
 * @throws SubpipeError `INVALID` for what is no repository of a registry, a variable that a run does not have, or a target that cannot
 * tell several workspaces apart.
 */
export function readTarget(text: string, where: string, workspaces: readonly string[]): Target {
  const written = readVariables(text, where);
  if (/^oci:/.test(written)) throw invalid(`${where} must be a repository of a registry, but is the folder ${text}`);
  if (written.includes('@')) throw invalid(`${where} must have no digest, but is ${text}`);
  // A colon inside of a variable is none of a tag, and there are none: names of params have no colon.
  const colon = written.lastIndexOf(':');
  const isTagged = colon > written.lastIndexOf('/');
  const target = {
    repository: isTagged ? written.slice(0, colon) : written,
    tag: isTagged ? written.slice(colon + 1) : undefined,
  };
  try {
    parseName(`${sample(target.repository)}${target.tag === undefined ? '' : `:${sample(target.tag)}`}`);
  } catch (cause) {
    throw invalid(`${where} is no place for an image: ${text}`, { cause });
  }
  const apart = new Set(workspaces.map((name) => JSON.stringify([repositoryOf(target, name), tagOf(target, name)])));
  if (apart.size < workspaces.length) {
    throw invalid(`${where} is the same for the workspaces ${workspaces.join(', ')}: ${text}`, {
      hint: 'Put {{workspace}} into it.',
    });
  }
  return target;
}

/**
 * Reads the image that workspaces begin with, which has variables as a target has.
 * @throws SubpipeError `INVALID` for what is no image of a registry.
 */
export function readBase(text: string, where: string): string {
  const written = readVariables(text, where);
  try {
    parseName(sample(written));
  } catch (cause) {
    throw invalid(`${where} is no image of a registry: ${text}`, { cause });
  }
  return written;
}

function readVariables(text: string, where: string): string {
  const written = text.replaceAll(runName, '$(context.pipelineRun.name)');
  for (const expression of expressionsIn(written)) {
    if (known.test(expression)) continue;
    throw invalid(
      `${where} has the variable $(${expression}): expected $(context.run.name), $(context.pipelineRun.uid), $(params.NAME) of the Pipeline, or {{workspace}}`,
    );
  }
  return written;
}

/** With something that may be there in place of what is not known yet. */
function sample(text: string): string {
  return text.replaceAll(workspaceWord, 'x').replaceAll(/\$\([^)]*\)/g, 'x');
}

/** The image that a workspace begins with. */
export function baseOf(base: string, workspace: string): string {
  return repositoryOf({ repository: base, tag: undefined }, workspace);
}

/** The repository of a workspace. In a repository's path only lower case letters, digits and single separators may stand. */
export function repositoryOf({ repository }: Target, workspace: string): string {
  const plain = workspace.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return repository.replaceAll(workspaceWord, plain.replaceAll(/^-|-$/g, '') || 'workspace');
}

/** The tag for people of a workspace. */
export function tagOf({ tag }: Target, workspace: string): string | undefined {
  return tag?.replaceAll(workspaceWord, workspace.replaceAll(/[^A-Za-z0-9_.-]+/g, '-'));
}

/** Room for the 36 characters of a UID, a dot, and what an announcement adds (runtime/oci/announce.ts). */
const longestKey = 64;

/**
 * The tag that one workspace of one Task has in one run: nobody else writes it, and no other run has it, because the run's UID
 * is in it. A run's name can be used again.
 */
export function ownTag(task: string, name: string): string {
  const key = `${task}.${name}`.replaceAll(/[^A-Za-z0-9_.-]+/g, '-');
  if (key.length <= longestKey && key === `${task}.${name}`) return `$(context.pipelineRun.uid).${key}`;
  const hash = createHash('sha256').update(`${task}/${name}`).digest('hex').slice(0, 12);
  return `$(context.pipelineRun.uid).${key.slice(0, longestKey - 13)}-${hash}`;
}

import { invalid, SubpipeError } from '../../runtime/errors.ts';
import { createLog, type Log } from '../../runtime/log.ts';
import { isAnnouncement } from '../../runtime/oci/announce.ts';
import type { Platform } from '../../runtime/oci/manifest.ts';
import { splitWords } from '../../runtime/words.ts';
import type { WorkspaceImage } from '../../runtime/workspace/image.ts';
import { registriesOf } from '../../runtime/workspace/params.ts';
import { openPlace, type Place, type Registries } from '../../runtime/workspace/reference.ts';
import { readSource, withoutAncestors } from '../../runtime/workspace/source.ts';
import { type TerminalStream, terminalOf } from '../../runtime/workspace/terminal.ts';
import { readPlatform } from '../../runtime/workspace/values.ts';
import type { CommandContext } from '../command.ts';

/** What every command on images needs. */
export interface Reading {
  registries: Registries;
  log: Log;
  /** Where progress is written over and over; undefined where nobody watches. */
  terminal: ((text: string) => void) | undefined;
  platform: Platform | undefined;
  signal: AbortSignal;
}

export function readingOf({ flags, env, stderr, signal }: CommandContext): Reading {
  const log = createLog({ name: 'subpipe', write: (line) => stderr.write(line) });
  const insecure = splitWords(flags.text('insecure') ?? '', '--insecure');
  const platform = flags.text('platform');
  const terminal: TerminalStream = {
    isTTY: stderr.isTTY === true,
    get columns() {
      return stderr.columns;
    },
    write: (text) => stderr.write(text),
  };
  return {
    registries: registriesOf({ insecure, caFile: flags.text('ca-file') }, log, signal),
    log,
    terminal: terminalOf(terminal, [], env),
    platform: platform === undefined ? undefined : readPlatform(platform, '--platform'),
    signal,
  };
}

/**
 * The images that a reference means: several where pushes to a tag side by side are not merged yet.
 * @throws SubpipeError `NOT_FOUND` that names the tags that there are.
 */
export async function imagesOf(reference: string, reading: Reading): Promise<WorkspaceImage[]> {
  const place = await openPlace(reference, reading.registries);
  const images = withoutAncestors(await readSource(reference, { ...reading, optional: true }));
  if (images.length > 0) return images;
  throw await noTag(place, reading.signal);
}

/** The error for a tag that is not there, with those that are. */
export async function noTag({ name, tag = 'latest', target }: Place, signal: AbortSignal): Promise<SubpipeError> {
  const tags = (await target.listTags({ signal }).catch(() => [])).filter((one) => !isAnnouncement(one));
  const has = tags.length === 0 ? 'It has no tags.' : `It has ${tags.slice(0, 10).join(', ')}.`;
  return new SubpipeError('NOT_FOUND', `${name} has no tag "${tag}"`, { hint: has });
}

/** Whether `-o json` was given. @throws SubpipeError `INVALID` for other values. */
export function wantsJson({ flags }: CommandContext): boolean {
  const output = flags.text('output');
  if (output === undefined || output === 'json') return output === 'json';
  throw invalid(`--output must be json, but is ${JSON.stringify(output)}`);
}

import type { ExtractOptions } from '../archive/extract/extract.ts';
import type { Log } from '../log.ts';
import { Progress } from './progress.ts';

/**
 * How layers are unpacked into a workspace, and the progress that is shown meanwhile: the caller ends it.
 * @param total bytes of tar; NaN where a layer does not tell. With `select` it is not known what is read of that.
 */
export function shownExtraction(
  doing: string,
  total: number,
  select: ExtractOptions['select'],
  options: {
    owner?: ExtractOptions['owner'] | undefined;
    mode?: ExtractOptions['mode'] | undefined;
    signal?: AbortSignal | undefined;
    log: Log;
    terminal?: ((text: string) => void) | undefined;
  },
): { progress: Progress; extract: ExtractOptions } {
  const { log, terminal, owner = 'self', mode = 'keep', signal } = options;
  const isKnown = !Number.isNaN(total) && select === undefined;
  const progress = new Progress({ log, doing, total: isKnown ? total : undefined, terminal });
  let read = { bytes: 0, entries: 0 };
  const extract: ExtractOptions = {
    owner,
    mode,
    select,
    warn: (message) => log.warn(message),
    progress(bytes, entries) {
      progress.add(bytes - read.bytes, entries - read.entries);
      read = { bytes, entries };
    },
    signal,
  };
  return { progress, extract };
}

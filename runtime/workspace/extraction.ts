import type { ExtractOptions } from '../archive/extract.ts';
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
  let read = 0;
  const extract: ExtractOptions = {
    owner,
    mode,
    select,
    warn: (message) => log.warn(message),
    progress(bytes) {
      progress.add(bytes - read);
      read = bytes;
    },
    signal,
  };
  return { progress, extract };
}

import { randomUUID } from 'node:crypto';
import { open as openFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** Lets `fill` write the file `part` and renames it to what it is; where it fails, nothing is left. */
export async function publish<T>(
  part: string,
  fill: (sink: Writable) => Promise<T>,
  target: (filled: T) => string,
): Promise<T> {
  // Opened before it is filled: a stream that opens its file by itself may do so after the file was removed.
  const handle = await openFile(part, 'wx');
  const sink = handle.createWriteStream();
  try {
    const filled = await fill(sink);
    await rename(part, target(filled));
    return filled;
  } catch (error) {
    sink.destroy();
    await finished(sink).catch(() => undefined); // how the stream ended is in `error`
    await rm(part, { force: true });
    throw error;
  }
}

/** Replaces a file with a text: a reader sees the old one or the new one. */
export async function writeAndRename(path: string, text: string): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  await writeFile(part, text);
  await rename(part, path);
}

import { Buffer } from 'node:buffer';

/**
 * The bytes of a stream from `skip` on, in pieces of exactly `size` bytes but for the last. What is skipped is read all
 * the same, so that whoever measures the stream sees all of it.
 *
 * @param done told of each buffer of the stream whose bytes are copied, and that nobody looks at any more.
 */
export async function* chunksOf(
  stream: AsyncIterable<Buffer>,
  skip: number,
  size: number,
  done: (read: Buffer) => void = () => {},
): AsyncGenerator<Buffer> {
  let left = skip;
  let held: { bytes: Buffer; read: Buffer }[] = [];
  let room = size;
  const take = (): Buffer => {
    const chunk = Buffer.concat(held.map(({ bytes }) => bytes));
    held = [];
    room = size;
    return chunk;
  };
  for await (const read of stream) {
    let from = Math.min(left, read.length);
    left -= from;
    while (read.length - from >= room) {
      const filled = held.map((one) => one.read);
      const to = from + room;
      held.push({ bytes: read.subarray(from, to), read });
      const chunk = take();
      filled.forEach(done);
      yield chunk;
      from = to;
    }
    if (from === read.length) {
      done(read);
      continue;
    }
    held.push({ bytes: read.subarray(from), read });
    room -= read.length - from;
  }
  if (held.length === 0) return;
  const last = held.map(({ read }) => read);
  const chunk = take();
  last.forEach(done);
  yield chunk;
}

/**
 * The bytes of a stream from `skip` on, in pieces of exactly `size` bytes but for the last. What is skipped is read all
 * the same, so that whoever measures the stream sees all of it.
 */
export async function* chunksOf(stream: AsyncIterable<Buffer>, skip: number, size: number): AsyncGenerator<Buffer> {
  let left = skip;
  let parts: Buffer[] = [];
  let held = 0;
  for await (const read of stream) {
    let chunk = read;
    if (left > 0) {
      const dropped = Math.min(left, chunk.length);
      left -= dropped;
      chunk = chunk.subarray(dropped);
    }
    while (held + chunk.length >= size) {
      const wanted = size - held;
      yield Buffer.concat([...parts, chunk.subarray(0, wanted)]);
      chunk = chunk.subarray(wanted);
      parts = [];
      held = 0;
    }
    if (chunk.length > 0) parts.push(chunk);
    held += chunk.length;
  }
  if (held > 0) yield Buffer.concat(parts);
}

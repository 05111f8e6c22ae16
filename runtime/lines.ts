import type { Readable } from 'node:stream';

/** No line of a log or a watch is longer than an object of the API server may be, with room to spare. */
const maxLength = 64 * 1024 * 1024;

/**
 * The lines of a stream of UTF-8 text, without their ends. As `node:readline` does it, but that module takes 3 ms to load.
 *
 * @throws The stream's error, after the lines that came before it.
 */
export async function* linesOf(stream: Readable): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > maxLength) throw new Error(`a line is longer than ${maxLength} characters`);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}

import { invalid } from './errors.ts';

/**
 * `a,b,"c,d"` as its words: CSV (RFC 4180), as the flags of commands written in Go take it. Line breaks part words too.
 * @throws SubpipeError `INVALID` that names `where`, for a quote that does not end.
 */
export function splitWords(text: string, where: string): string[] {
  const words: string[] = [];
  const part = /"((?:[^"]|"")*)"(?=,|\r?\n|$)|[^,\r\n]*/y;
  for (let at = 0; at <= text.length; ) {
    part.lastIndex = at;
    const found = part.exec(text);
    const word = found?.[0] ?? '';
    if (word.startsWith('"') && found?.[1] === undefined) {
      throw invalid(`${where} has a quote that does not end: ${JSON.stringify(text)}`);
    }
    words.push(found?.[1]?.replaceAll('""', '"') ?? word);
    at += word.length + (text.startsWith('\r\n', at + word.length) ? 2 : 1);
  }
  return words.filter((word) => word !== '');
}

/** `1 layer`, `2 layers`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

import { isDeepStrictEqual } from 'node:util';
import type { Outcome } from './outcome.ts';

/** What the peer's error is about: the words that ours must have too. `undefined` for an error that nobody has seen yet. */
export function subjectOf(said: string): string[] | undefined {
  for (const form of forms) {
    const found = form.exec(said);
    // A path is the same with `./` and without.
    if (found !== null) return found.slice(1).map((word) => word.replace(/^\.\//, ''));
  }
  return undefined;
}

const forms: readonly RegExp[] = [
  /(could not find any PipelineRun)/,
  /(you need to at least specify a file with -f)/,
  /(cannot find referenced (?:task|pipeline)) ([^ ]*?)\. /,
  /with the same (name|generateName): (\S+), please/,
  /(?:remote|getting remote) (?:task|pipeline) \\?"([^"\\]+)\\?"/,
  /remote (?:task|pipeline) from URI (\S+)/,
  /in wrong format: (.*)$/m,
  /annotation "(.*)" has empty values/,
  /received multiple of them: \[(\S+)/,
  /unknown flag: (--\S+)/,
  /invalid argument "([^"]*)" for "(--\S+)" flag/,
  /open (\S+): no such file/,
  // The question for a token, which nobody answers.
  /cancelled/,
  /v1beta1 (\S+) cannot be converted/,
];

/** How ours differs from the peer's, for people; `undefined` where it does not. */
export function differenceOf(peers: Outcome, ours: Outcome): string | undefined {
  if (peers.code !== ours.code) {
    return `the peer ends with ${peers.code}, ours with ${ours.code}: ${peers.said || 'no error'} | ${ours.said || 'no error'}`;
  }
  if (peers.code === 0) {
    return isDeepStrictEqual(peers.objects, ours.objects) ? undefined : 'both resolve it, to different objects';
  }
  const words = subjectOf(peers.said);
  if (words === undefined) return `what is this error of the peer about? ${peers.said}`;
  const missing = words.filter((word) => !ours.said.includes(word));
  return missing.length === 0
    ? undefined
    : `our error does not name ${missing.join(', ')}: ${ours.said} | ${peers.said}`;
}

import process from 'node:process';
import { invalid } from '../../errors.ts';
import { hashFiles } from './hash.ts';

/** Characters of a key: it goes into results, which have little room. */
const longest = 512;

export interface KeyOptions {
  /** Where `{hash …}` looks. */
  folder: string;
  /** The flag, for errors. */
  where: string;
  signal: AbortSignal | undefined;
}

/**
 * A cache's key from its text: `{hash PATTERN …}` becomes the hash of all files that match one of the patterns (one with
 * a space in it stands in double quotes), `{os}` and `{arch}` this machine's, as container images name them. Braces are
 * replaced by nobody else: Tekton has `$(…)`, Pipelines-as-Code and Helm `{{…}}`, shells `$…`.
 *
 * @throws SubpipeError `INVALID` for other braces, patterns that no file matches, and a text that is no key.
 */
export async function readKey(text: string, options: KeyOptions): Promise<string> {
  const { where } = options;
  const variable = /\$\([^)]*\)/.exec(text)?.[0];
  if (variable !== undefined) throw invalid(`${where} is "${text}": Tekton has not replaced ${variable}`);
  let key = '';
  for (const [part, inner] of text.matchAll(/\{([^{}]*)\}|[^{}]+|[{}]/g)) {
    if (part === '{' || part === '}') throw invalid(`${where} is "${text}": a brace is alone, expected ${known}`);
    key += inner === undefined ? part : await replaced(inner, part, options);
  }
  if (!isKey(key)) {
    throw invalid(
      `${where} is ${JSON.stringify(key)}: expected 1 to ${longest} characters without commas or line breaks`,
    );
  }
  return key;
}

const known = '{hash PATTERN …}, {os} or {arch}';

/** Whether a text can be a key: commas part the texts of `restore-keys`. */
export function isKey(text: string): boolean {
  return text.trim() !== '' && text.length <= longest && !/[\p{Cc},]/u.test(text);
}

async function replaced(inner: string, part: string, { folder, where, signal }: KeyOptions): Promise<string> {
  const [word, ...patterns] = wordsOf(inner);
  if (word === 'os' && patterns.length === 0) return process.platform === 'win32' ? 'windows' : process.platform;
  if (word === 'arch' && patterns.length === 0) return process.arch === 'x64' ? 'amd64' : process.arch;
  if (word !== 'hash' || patterns.length === 0) throw invalid(`${where} has ${part}: expected ${known}`);
  const hash = await hashFiles(folder, patterns, signal);
  if (hash !== undefined) return hash;
  throw invalid(`${where} has ${part}, but no file in ${folder} matches`, {
    hint: 'Patterns begin at the top of the folder: **/go.sum is one in any folder.',
  });
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|[^\s"]+/g)].map(([word, quoted]) => quoted ?? word);
}

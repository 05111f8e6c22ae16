import { basename, resolve } from 'node:path';
import { type Metafile, type OutputFile, transform } from 'esbuild';
import { root } from './project.ts';

/** How chunks find each other: as modules in CommonJS do, each run once, when it is first asked for. */
const loader = `const loaded = { __proto__: null };
function load(id) {
  const known = loaded[id];
  if (known !== undefined) return known.exports;
  const chunk = chunks[id];
  if (chunk === undefined) return require(id);
  const module = (loaded[id] = { exports: {} });
  chunk(module.exports, load, module);
  return module.exports;
}
// A module of Node's as a namespace: esbuild's own way defines each of a hundred properties anew.
function builtin(exports) {
  return { __proto__: exports, default: exports };
}
`;

/**
 * One CommonJS file of the chunks into which esbuild has split a program, each a function of its own: V8 takes note of every function
 * at the top of a file when it starts, and of those inside of another only when that runs. So what is imported lazily costs a start
 * next to nothing, though it is in the same file.
 *
 * @param entry The path of the chunk that the file runs.
 */
export async function packChunks(files: readonly OutputFile[], metafile: Metafile, entry: string): Promise<string> {
  const chunks: string[] = [];
  const wanted = reachable(metafile, entry);
  let first = '';
  for (const file of files.filter(({ path }) => wanted.has(path)).sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const { code } = await transform(file.text, {
      format: 'cjs',
      platform: 'node',
      // require() and not import(): the loader for modules alone takes longer to start than a step.
      supported: { 'dynamic-import': false },
      minifyWhitespace: true,
      logLevel: 'silent',
    });
    const hashbang = /^#!.*\n/.exec(code)?.[0] ?? '';
    first += hashbang;
    const body = code.slice(hashbang.length).replaceAll('__toESM(require("node:', '__builtin(require("node:');
    chunks.push(`${JSON.stringify(`./${basename(file.path)}`)}(exports, require, module) {${body}}`);
  }
  return `${first}const chunks = {\n__proto__: null,\n${chunks.join(',\n')}\n};\n${loader.replace('builtin', '__builtin')}load('./${basename(entry)}');\n`;
}

/** What the entry imports, lazily or not: esbuild also makes chunks of lazy imports that nobody calls. */
function reachable({ outputs }: Metafile, entry: string): Set<string> {
  const byPath = new Map(Object.entries(outputs).map(([path, output]) => [resolve(root, path), output]));
  const found = new Set<string>();
  const visit = (path: string): void => {
    const output = byPath.get(path);
    if (output === undefined || found.has(path)) return;
    found.add(path);
    for (const one of output.imports) visit(resolve(root, one.path));
  };
  visit(entry);
  return found;
}

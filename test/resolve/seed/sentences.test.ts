import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { sentences } from './sentences.ts';

const folder = import.meta.dirname;

/** The names of a file's tests. */
async function testsOf(file: string): Promise<string[]> {
  const text = await readFile(path.join(folder, file), 'utf8');
  return [...text.matchAll(/^test\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/gm)].map(
    ([, single, double]) => single ?? double ?? '',
  );
}

test('each sentence has its test, and each test here its sentence', async () => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.test.ts') && file !== 'sentences.test.ts');
  const here = (await Promise.all(files.map(testsOf))).flat();
  for (const [sentence, name] of sentences) {
    const [, file, elsewhere] = /^(\.\.\/\S+\.ts): (.*)$/.exec(name) ?? [];
    const known = file === undefined ? here : await testsOf(file);
    assert.ok(known.includes(elsewhere ?? name), `"${sentence}" has no test "${name}"`);
  }
  const named = new Set(sentences.map(([, name]) => name));
  assert.deepEqual(
    here.filter((name) => !named.has(name)),
    [],
  );
});

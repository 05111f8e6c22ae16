import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { schemaOf } from './generate.ts';
import { schemaFile, tektonSource } from './source.ts';

test("schema.json is what Tekton's CRDs make of it", async (t) => {
  const source = await tektonSource();
  if (source === undefined) return t.skip("Tekton's sources are not in Go's module cache");
  const kept: unknown = JSON.parse(await readFile(schemaFile, 'utf8'));
  const made: unknown = JSON.parse(JSON.stringify(await schemaOf(source)));
  assert.deepEqual(kept, made, 'make it anew: node test/resolve/schema/main.ts');
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { schemaOf } from './generate.ts';
import { schemaFile, tektonSource } from './source.ts';

test("schema.json is what Tekton's CRDs make of it", async () => {
  const source = await tektonSource();
  const kept: unknown = JSON.parse(await readFile(schemaFile, 'utf8'));
  const made: unknown = JSON.parse(JSON.stringify(await schemaOf(source)));
  assert.deepEqual(kept, made, 'make it anew: node test/resolve/schema/main.ts');
});

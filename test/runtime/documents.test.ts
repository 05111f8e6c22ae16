import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { explain, hasCode } from '../../runtime/errors.ts';
import { readBeside } from '../../runtime/resolve/folder.ts';
import { makeFolder } from '../support/folder.ts';

const pipeline = (name: string): string =>
  `apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: ${name}}\nspec: {}\n`;
const task = (name: string): string => pipeline(name).replace('Pipeline', 'Task');

async function refusal(root: string, file: string): Promise<string> {
  try {
    await readBeside(root, file);
  } catch (error) {
    assert.ok(hasCode(error, 'INVALID'), String(error));
    return explain(error);
  }
  return assert.fail('it was not refused');
}

const shown = (documents: { kind: string; name: string; where: string }[]): string[] =>
  documents.map(({ kind, name, where }) => `${kind} ${name} of ${where}`);

test('a file gives its own documents, and those of the other YAML files beside it', async () => {
  await using folder = await makeFolder({
    'ci/main.yaml': `${pipeline('main')}---\n${task('own')}`,
    'ci/z.yml': task('z'),
    'ci/a.yaml': task('a'),
    'ci/readme.md': 'not: yaml: at all',
    'ci/deeper/b.yaml': task('b'),
    'c.yaml': task('c'),
  });
  const { own, beside } = await readBeside(folder.path, 'ci/main.yaml');
  assert.deepEqual(shown(own), [
    'Pipeline main of ci/main.yaml, document 1, line 1',
    'Task own of ci/main.yaml, document 2, line 6',
  ]);
  assert.deepEqual(shown(beside), ['Task a of ci/a.yaml, line 1', 'Task z of ci/z.yml, line 1']);
});

test('a folder gives the documents of all its YAML files', async () => {
  await using folder = await makeFolder({ 'ci/main.yaml': pipeline('main'), 'ci/unit.yml': task('unit') });
  const { own, beside } = await readBeside(folder.path, 'ci');
  assert.deepEqual(shown(own), ['Pipeline main of ci/main.yaml, line 1', 'Task unit of ci/unit.yml, line 1']);
  assert.deepEqual(beside, []);
});

test('what is no object of Tekton is passed over', async () => {
  await using folder = await makeFolder({
    'main.yaml': `${pipeline('main')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\njust: fields\n---\n- list\n`,
  });
  assert.deepEqual(
    (await readBeside(folder.path, 'main.yaml')).own.map(({ name }) => name),
    ['main'],
  );
});

test('a file outside of the folder is refused', async () => {
  await using folder = await makeFolder({ 'in/x.yaml': pipeline('x'), 'out.yaml': pipeline('out') });
  const root = path.join(folder.path, 'in');
  for (const file of ['../out.yaml', path.join(folder.path, 'out.yaml'), '..', 'x/../../out.yaml']) {
    assert.match(await refusal(root, file), /is outside of|cannot be read/, file);
  }
});

test('a folder whose name merely begins the same is outside', async () => {
  await using folder = await makeFolder({ 'in/x.yaml': pipeline('x'), 'in-too/y.yaml': pipeline('y') });
  assert.match(await refusal(path.join(folder.path, 'in'), '../in-too/y.yaml'), /is outside of/);
});

test('a link out of the folder is refused when named and passed over when it lies beside', async () => {
  await using folder = await makeFolder({ 'in/x.yaml': pipeline('x'), 'secret/out.yaml': task('out') });
  const root = path.join(folder.path, 'in');
  await symlink('../secret/out.yaml', path.join(root, 'link.yaml'));
  await symlink('../secret', path.join(root, 'folder'));
  assert.match(await refusal(root, 'link.yaml'), /^the file link\.yaml is outside of .*: expected a path below it/);
  assert.match(await refusal(root, 'folder/out.yaml'), /is outside of/);
  assert.deepEqual((await readBeside(root, 'x.yaml')).beside, []);
});

test('links within the folder are followed, as a workspace from a ConfigMap needs it', async () => {
  await using folder = await makeFolder({ '..2026/main.yaml': pipeline('main'), '..2026/unit.yaml': task('unit') });
  await symlink('..2026', path.join(folder.path, '..data'));
  for (const name of ['main.yaml', 'unit.yaml']) await symlink(`..data/${name}`, path.join(folder.path, name));
  assert.deepEqual(
    (await readBeside(folder.path, '.')).own.map(({ name }) => name),
    ['main', 'unit'],
  );
  const { own, beside } = await readBeside(folder.path, 'main.yaml');
  assert.deepEqual(
    [own, beside].map((all) => all.map(({ name }) => name)),
    [['main'], ['unit']],
  );
});

test('a file that is not there is named', async () => {
  await using folder = await makeFolder();
  assert.match(await refusal(folder.path, 'none.yaml'), /^the file none\.yaml cannot be read: ENOENT/);
  assert.match(
    await refusal(path.join(folder.path, 'nowhere'), 'x.yaml'),
    /^the folder .*nowhere that x\.yaml is in cannot be read/,
  );
});

test('a file that is no YAML is refused with its name and line, also beside', async () => {
  await using folder = await makeFolder({ 'main.yaml': pipeline('main'), 'broken.yaml': 'a: 1\nb: {{ .Values.x }\n' });
  assert.match(await refusal(folder.path, 'broken.yaml'), /^broken\.yaml, line 3 is not valid YAML: /);
  assert.match(await refusal(folder.path, 'main.yaml'), /broken\.yaml, line 3 is not valid YAML/);
});

test('a file that is larger than any object may be is refused before it is read', async () => {
  await using folder = await makeFolder({ 'main.yaml': '#'.repeat(17 * 1024 * 1024) });
  assert.match(await refusal(folder.path, 'main.yaml'), /is 17825792 bytes long: expected at most 16777216/);
});

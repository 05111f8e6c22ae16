import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../runtime/errors.ts';
import { formatYaml, parseYaml, parseYamlAll } from '../../runtime/yaml.ts';

test('scalars are read as the API server reads them: YAML 1.1 booleans and octals, no timestamps', async () => {
  const text = 'a: yes\nb: off\nc: 010\nd: 0o10\ne: 2026-01-01\nf: ~\ng: "yes"\nh: 1_000\ni: 1.10\nj: 0x1F\n';
  assert.deepEqual(await parseYaml(text, 'x'), {
    a: true,
    b: false,
    c: 8,
    d: 8,
    e: '2026-01-01',
    f: null,
    g: 'yes',
    h: 1000,
    i: 1.1,
    j: 31,
  });
});

test('anchors and merge keys work', async () => {
  const text = 'base: &b {x: 1, z: 2}\nmore: {<<: *b, z: 3}\n';
  assert.deepEqual(await parseYaml(text, 'x'), { base: { x: 1, z: 2 }, more: { x: 1, z: 3 } });
});

test('JSON is YAML, flow style too', async () => {
  assert.deepEqual(await parseYaml('{"a": [1, "010"]}', 'x'), { a: [1, '010'] });
  assert.deepEqual(await parseYaml('{a: [1, b]}', 'x'), { a: [1, 'b'] });
});

test('a text of many documents gives them all, without the empty ones', async () => {
  assert.deepEqual(await parseYamlAll('\uFEFF---\n---\na: 1\n---\n# nothing\n---\nb: 2\n', 'x'), [{ a: 1 }, { b: 2 }]);
});

test('a block text that the file ends in the middle of has no line break at its end', async () => {
  for (const [text, value] of [
    ['a: |\n  x\n  y', 'x\ny'],
    ['a: |+\n  x', 'x'],
    ['a: >\n  x\n  y', 'x y'],
    ['a: |\n  x\n', 'x\n'],
    ['a: |\n  x\n# end', 'x\n'],
  ] as const) {
    assert.deepEqual(await parseYaml(text, 'text'), { a: value }, text);
  }
});

test('what is no YAML is refused with file and line', async () => {
  await assert.rejects(parseYaml('a: 1\nb: [\n', 'pipe.yaml'), (error: unknown) => {
    assert.match(
      explain(error),
      /^pipe\.yaml, line 3 is not valid YAML: the text ends inside of \[, \{ or a quote at column 1/,
    );
    return true;
  });
  await assert.rejects(parseYaml('a: 1\na: 2\n', 'pipe.yaml'), /not valid YAML/);
});

test('what is written is read as the same again, also strings that look like something else', async () => {
  const value = {
    a: 'yes',
    b: '010',
    c: 'null',
    d: '1e3',
    e: ['- x', ': y', '#z'],
    f: 'two\nlines\n',
    g: true,
    h: '',
    i: '0x1',
    j: '~',
    k: '2026-01-01',
  };
  assert.deepEqual(await parseYaml(await formatYaml(value), 'x'), value);
});

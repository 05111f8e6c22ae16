import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parseYamlAll } from '../../runtime/yaml.ts';
import { blocksOf, filesNamed, root, yamlBlocksOf } from '../support/markdown.ts';
import { objectsOf, wrongCallsIn } from './calls.ts';

const markdown = await filesNamed('.md');
const samples = (await filesNamed('.yaml', 'tasks')).filter((file) => path.dirname(file).endsWith('/samples'));
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');
const exists = (file: string): Promise<boolean> =>
  access(path.join(root, file)).then(
    () => true,
    () => false,
  );

describe('Markdown files', () => {
  test('have YAML that parses', async () => {
    const blocks = (await Promise.all(markdown.map(yamlBlocksOf))).flat();
    assert.notEqual(blocks.length, 0);
    for (const { text, where } of blocks) await parseYamlAll(text, where);
  });

  test('link to files and headings that exist', async () => {
    const broken: string[] = [];
    for (const file of markdown) {
      for (const target of linksOf(await read(file))) {
        const [link = '', heading] = decodeURI(target).split('#');
        const at = link === '' ? file : path.join(path.dirname(file), link);
        if (at.startsWith('..') || !(await exists(at))) broken.push(`${file}: ${target}`);
        else if (heading !== undefined && at.endsWith('.md') && !headingsOf(await read(at)).includes(heading))
          broken.push(`${file}: ${target}`);
      }
    }
    assert.deepEqual(broken, []);
  });

  test('have commands whose files exist', async () => {
    const missing: string[] = [];
    for (const file of markdown) {
      const shell = blocksOf(await read(file), file).filter(({ language }) => language === 'sh');
      for (const { text, where } of shell) {
        for (const [, given = ''] of text.matchAll(/ -f ((?:tasks|examples|docs)\/[\w./-]+)/g)) {
          if (!(await exists(given))) missing.push(`${where}: ${given}`);
        }
      }
    }
    assert.deepEqual(missing, []);
  });
});

describe('samples and the READMEs of Tasks', () => {
  test('call Pipelines with params and workspaces that the Task or the Pipeline has', async () => {
    const wrong: string[] = [];
    for (const file of samples)
      wrong.push(...(await wrongCallsIn(await objectsOf([{ text: await read(file), where: file }]))));
    for (const file of markdown.filter((one) => one.startsWith('tasks/'))) {
      wrong.push(...(await wrongCallsIn(await objectsOf(await yamlBlocksOf(file)))));
    }
    assert.deepEqual(wrong, []);
  });

  test('do not clash when all samples are created in one namespace', async () => {
    const names: string[] = [];
    for (const file of samples) {
      const objects = await objectsOf([{ text: await read(file), where: file }]);
      names.push(...objects.flatMap(({ kind, name }) => (name === undefined ? [] : `${kind} ${name}`)));
    }
    assert.deepEqual(names, [...new Set(names)]);
  });

  test('are listed in the README beside them', async () => {
    for (const file of samples) {
      const readme = path.join(path.dirname(file), '../README.md');
      assert.ok(linksOf(await read(readme)).includes(`samples/${path.basename(file)}`), `${readme} links to ${file}`);
    }
  });
});

test('a block is found with its language, its place and why it is not run', () => {
  const text =
    'One\n\n```yaml\na: 1\n```\n\n- two\n  <!-- not run: it needs the internet -->\n  ```sh\n  b\n    c\n  ```\n';
  assert.deepEqual(blocksOf(text, 'X.md'), [
    { where: 'X.md:4', language: 'yaml', text: 'a: 1\n', notRun: undefined },
    { where: 'X.md:10', language: 'sh', text: 'b\n  c\n', notRun: 'it needs the internet' },
  ]);
});

/** Targets of the links of a Markdown text that are not addresses. */
function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => (/^[a-z]+:/.test(target) ? [] : target));
}

/** Headings as GitHub makes anchors of them. */
function headingsOf(text: string): string[] {
  const headings = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

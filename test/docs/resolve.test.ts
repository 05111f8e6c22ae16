import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { isFields } from '../../runtime/shape.ts';
import { parseYamlAll } from '../../runtime/yaml.ts';
import { makeFolder } from '../support/folder.ts';
import { type Block, blocksOf, filesNamed, root } from '../support/markdown.ts';
import { commandLines, pathWithSubpipe } from '../support/programs.ts';

const execute = promisify(execFile);

const pages: { file: string; blocks: Block[] }[] = [];
for (const file of await filesNamed('.md')) {
  const blocks = blocksOf(await readFile(path.join(root, file), 'utf8'), file);
  pages.push({ file, blocks: blocks.filter(({ language, notRun }) => language === 'sh' && notRun === undefined) });
}

/** Commands that resolve, without what is done with the result: a cluster's part is tested on a cluster. */
function commandsOf({ text }: Block): string[] {
  return commandLines(text)
    .filter((line) => /^(npx|kubectl) subpipe resolve /.test(line))
    .map((line) => line.replace(/ \| kubectl .*$/, ''));
}

describe('commands of READMEs and pages that resolve', { concurrency: 1 }, () => {
  for (const { file, blocks } of pages.filter((page) => page.blocks.flatMap(commandsOf).length > 0)) {
    test(`${file}: they work as they stand, in a clone of examples/pac-repo`, async () => {
      await using folder = await makeFolder();
      const clone = path.join(folder.path, 'pac-repo');
      await cp(path.join(root, 'examples/pac-repo'), clone, { recursive: true });
      const env = { PATH: await pathWithSubpipe(folder.path), HOME: folder.path };
      const sh = (command: string) => execute('sh', ['-ec', command], { cwd: clone, env });
      await sh('git init -q -b main && git remote add origin https://git.example.com/acme/pac-repo.git && git add .');
      await sh('git config user.name a && git config user.email a@example.com && git commit -q -m all');
      // Since the last fetch somebody has changed a Task that two PipelineRuns embed.
      await sh('git update-ref refs/remotes/origin/main HEAD');
      await sh("sed -i 's/have passed/are done/' ci/unit-tests.yaml && git commit -q -a -m words");
      for (const block of blocks) {
        for (const command of commandsOf(block)) {
          const { stdout, stderr } = await sh(command).catch((error) => assert.fail(`${block.where}: ${error}`));
          assert.doesNotMatch(stderr, /error/i, `${block.where}: ${command}`);
          const written = / (?:>|-o) *(\S+)$/.exec(command)?.[1];
          const text = written === undefined ? stdout : await readFile(path.join(clone, written), 'utf8');
          await assertResolved(command, text, block.where);
        }
      }
    });
  }

  test('are in the READMEs of the example and of the Task', () => {
    const files = pages.filter((page) => page.blocks.flatMap(commandsOf).length > 0).map(({ file }) => file);
    for (const file of ['examples/pac-repo/README.md', 'tasks/pac-resolve/README.md']) assert.ok(files.includes(file));
  });
});

/** PipelineRuns in YAML, or with `--diff` how they differ. */
async function assertResolved(command: string, text: string, where: string): Promise<void> {
  if (command.includes(' --diff ')) {
    assert.match(text, /^\+.*are done/m, `${where}: ${command}`);
    return;
  }
  const runs = (await parseYamlAll(text, where)).filter(isFields);
  assert.ok(
    runs.some(({ kind }) => kind === 'PipelineRun'),
    `${where}: ${command} gives no PipelineRun`,
  );
}

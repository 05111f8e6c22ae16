import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeFolder } from '../support/folder.ts';
import { blocksOf, root } from '../support/markdown.ts';
import { commandLines, pathWithSubpipe } from '../support/programs.ts';

const execute = promisify(execFile);

test('docs/workspaces.md: its commands work as they stand, one after the other, and write what it shows', async () => {
  const blocks = blocksOf(await readFile(path.join(root, 'docs/workspaces.md'), 'utf8'), 'docs/workspaces.md');
  await using folder = await makeFolder();
  const env = { PATH: await pathWithSubpipe(folder.path), HOME: folder.path };
  let last = '';
  let shown = 0;
  for (const { language, text, where } of blocks) {
    if (language !== 'sh') {
      assert.equal(last, text, where);
      shown += 1;
      continue;
    }
    for (const command of commandLines(text)) {
      const run = execute('sh', ['-ec', command], { cwd: folder.path, env });
      const { stdout, stderr } = await run.catch((error) => assert.fail(`${where}: ${error}`));
      assert.doesNotMatch(stderr, /error|warn/i, `${where}: ${command}`);
      last = stdout;
    }
  }
  assert.equal(shown, 1);
  assert.equal(await readFile(path.join(folder.path, 'copy/src/main.txt'), 'utf8'), 'fixed\n');
});

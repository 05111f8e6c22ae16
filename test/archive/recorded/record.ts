// Records what GNU tar makes of the foreign trees, so that the tests that read it need no GNU tar.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gnuFormats, makeForeignTree, makeHuge } from '../foreign-tree.ts';
import { scratch } from '../support.ts';

const folder = await scratch();
for (const name of ['tree', 'huge']) mkdirSync(join(folder, name));
makeForeignTree(join(folder, 'tree'));
makeHuge(join(folder, 'huge/huge'));
for (const [name, { flags, sparse }] of Object.entries(gnuFormats)) {
  const root = join(folder, sparse ? 'huge' : 'tree');
  const file = join(import.meta.dirname, `${name}.tar.gz`);
  // No owner of this machine, and no time of today.
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@1000000000'];
  execFileSync('tar', [...flags.split(' '), ...same, '-I', 'gzip -9n', '-cf', file, '-C', root, '.']);
}

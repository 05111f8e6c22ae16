import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { trimElf } from '../../images/elf.ts';
import { parseImageFlags } from '../../images/flags.ts';
import { root } from '../../images/project.ts';

test('flags have defaults that need no configuration', async () => {
  const flags = await parseImageFlags(['--platform', 'linux/arm64,linux/amd64'], { SOURCE_DATE_EPOCH: '12' });
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  assert.ok(flags !== 'help');
  assert.deepEqual(
    [flags.tag, flags.created, flags.output, flags.compression],
    [`v${version}`, 12, 'dist/images', 'zstd'],
  );
  assert.deepEqual(flags.platforms, ['linux/arm64', 'linux/amd64']);
});

test('bad flags are refused with the flag, what was expected and what came', async () => {
  const cases: [string[], NodeJS.ProcessEnv, RegExp][] = [
    [
      ['--platform', 'linux/mips'],
      {},
      /--platform: expected linux\/amd64 or linux\/arm64, comma-separated, got "linux\/mips"/,
    ],
    [['--tag', 'a b'], {}, /--tag: expected .*, got "a b"/],
    [['--compression', 'xz'], {}, /--compression: expected zstd or gzip, got "xz"/],
    [['--push', 'ghcr.io/Me'], {}, /"ghcr.io\/Me\/name" is not an image name/],
    [[], { SOURCE_DATE_EPOCH: 'today' }, /SOURCE_DATE_EPOCH: expected seconds since 1970, got "today"/],
    [['--nothing'], {}, /cannot read the command line/],
  ];
  for (const [argv, env, message] of cases) await assert.rejects(parseImageFlags(argv, env), message);
});

test('a program is cut after what is loaded', async () => {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  header.writeBigUInt64LE(64n, 32);
  header.writeBigUInt64LE(9000n, 40);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt16LE(30, 60);
  const segment = Buffer.alloc(56);
  segment.writeBigUInt64LE(120n, 8);
  segment.writeBigUInt64LE(80n, 32);
  const folder = await mkdtemp(join(tmpdir(), 'subpipe-test-'));
  await writeFile(join(folder, 'program'), Buffer.concat([header, segment, Buffer.alloc(5000)]));
  const { head, size } = await trimElf(join(folder, 'program'));
  assert.equal(size, 200);
  assert.equal(head.readBigUInt64LE(40), 0n);
  assert.equal(head.readUInt16LE(60), 0);
  await writeFile(join(folder, 'text'), 'x'.repeat(100));
  await assert.rejects(trimElf(join(folder, 'text')), /is not a 64-bit little-endian ELF program/);
});

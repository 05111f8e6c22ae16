import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../../images/project.ts';
import { copy } from '../../runtime/oci/copy.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { scratch } from '../oci/helpers.ts';

const run = promisify(execFile);
const registry = process.env.SUBPIPE_REGISTRY ?? '198.18.255.1:5000';

test('images of both platforms are built, pushed to a real registry and pulled back whole', async () => {
  const output = await scratch();
  const flags = ['--base', 'debian', '--platform', 'linux/amd64,linux/arm64', '--output', output];
  const push = ['--push', `${registry}/images-e2e`, '--plain-http', '--steps', 'subpipe-wait', '--tag', 'e2e'];
  const { stdout } = await run(process.execPath, [join(root, 'images/main.ts'), ...flags, ...push]);
  const [name = '', reference = ''] = stdout.trim().split(' ');
  assert.equal(name, 'subpipe-wait');
  const image = parseName(reference);
  const pulled = await Layout.create(await scratch());
  const descriptor = await copy(await Registry.open(image, { plainHttp: true }), pulled, 'e2e');
  assert.equal(descriptor.digest, image.digest);
});

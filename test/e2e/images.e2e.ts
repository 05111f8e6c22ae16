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
import { context } from './support/context.ts';

const run = promisify(execFile);
// Where `npm run test:e2e` pushes the steps' images to: the registry beside the project's own cluster. Nobody else's is written to.
const registry = context.ownCluster ? context.imagePrefix.split('/')[0] : undefined;

const skip = registry === undefined ? 'no registry of our own beside a cluster that KUBECONFIG names' : false;

test('images of both platforms are built, pushed to a real registry and pulled back whole', { skip }, async () => {
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

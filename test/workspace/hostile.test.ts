import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { type Digest, digestOf } from '../../runtime/oci/digest.ts';
import { type Descriptor, mediaTypes } from '../../runtime/oci/manifest.ts';
import { hostileLayers } from '../archive/hostile-layers.ts';
import { look, tarOf } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { blobOf } from '../oci/helpers.ts';
import { good, type Machine, makeMachine, result } from './support.ts';

interface Lies {
  /** What the manifest says of a layer. */
  descriptor?: (honest: Descriptor) => object;
  /** What the config says of the layers' tars. */
  diffIds?: (honest: Digest[]) => unknown;
  /** What the registry hands out in a layer's place. */
  content?: (honest: Buffer) => Buffer | undefined;
}

/** An image in a registry that checks nothing. @returns its digest as a source of a pull. */
function plant(registry: FakeRegistry, layers: Buffer[], lies: Lies = {}): string {
  const { descriptor = (it) => it, diffIds = (them) => them, content = (it) => it } = lies;
  const said = layers.map((bytes) => {
    const honest = blobOf(bytes);
    const given = content(bytes);
    if (given !== undefined) registry.plant('evil', honest.digest, given);
    return descriptor(honest);
  });
  const rootfs = { type: 'layers', diff_ids: diffIds(layers.map((bytes) => digestOf(bytes))) };
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', config: {}, rootfs }));
  registry.plant('evil', digestOf(config), config);
  const about = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: blobOf(config, mediaTypes.config) };
  const manifest = Buffer.from(JSON.stringify({ ...about, layers: said }));
  registry.plantManifest('evil', digestOf(manifest), mediaTypes.manifest, manifest);
  return `${registry.host}/evil@${digestOf(manifest)}`;
}

/** A pull of it is refused, alone and in a merge, and the workspace is what it was; so is what is pushed of it. */
async function assertRefused(machine: Machine, source: string, good: string, error: RegExp): Promise<void> {
  const before = look(machine.workspace('work'));
  for (const sources of [[source], [good, source]]) {
    const pulled = await machine.pull('work', '--', ...sources);
    assert.equal(pulled.code, 1, pulled.stderr);
    // A merge may be refused for something else of the same image, as it looks at all of it first.
    assert.match(pulled.stderr, sources.length === 1 ? error : /error: /);
    assert.deepEqual(look(machine.workspace('work')), before);
    assert.ok(!existsSync(`${machine.workspace('work')}/.subpipe-pull`));
  }
}

/** Without the images that are refused by their limits alone. */
const layers = Object.entries(hostileLayers).filter(([, { limits }]) => limits === undefined);

test('images of hostile layers are refused by a pull, and leave the workspace as it was', async (t) => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  machine.workspace('work', { mine: 'as it was', 'd/x': 'x' });
  const honest = result(await good(machine.push('work', `--target=${registry.host}/good`)), 'image');
  for (const [name, { layers: tars, error }] of layers) {
    await t.test(name, () => assertRefused(machine, plant(registry, tars), honest, error));
  }
  await good(machine.pull('work', '--', honest));
});

const tar = tarOf({ path: 'a', content: 'a' });
const lies: Record<string, { lie: Lies; error: RegExp }> = {
  'a layer that is smaller than said': { lie: { descriptor: (it) => ({ ...it, size: it.size + 1 }) }, error: /bytes/ },
  'a layer that is larger than said': { lie: { descriptor: (it) => ({ ...it, size: it.size - 1 }) }, error: /bytes/ },
  'another layer than said': {
    lie: { content: (it) => Buffer.concat([it.subarray(0, -1), Buffer.from('!')]) },
    error: /digest/,
  },
  'a tar with another digest than the config says': {
    lie: { diffIds: () => [`sha256:${'0'.repeat(64)}`] },
    error: /but its image says/,
  },
  'a digest that is a path': {
    lie: { descriptor: (it) => ({ ...it, digest: 'sha256:../../../etc/passwd' }) },
    error: /no sha256 digest/,
  },
  'a negative size': { lie: { descriptor: (it) => ({ ...it, size: -1 }) }, error: /no size/ },
};

test('images that say what is not so are refused by a pull, and leave the workspace as it was', async (t) => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  machine.workspace('work', { mine: 'as it was' });
  const honest = result(await good(machine.push('work', `--target=${registry.host}/good`)), 'image');
  for (const [name, { lie, error }] of Object.entries(lies)) {
    await t.test(name, () => assertRefused(machine, plant(registry, [tar], lie), honest, error));
  }
});

test('a layer that is only at an address of its manifest is not fetched from there', async () => {
  await using registry = await FakeRegistry.start();
  await using elsewhere = await FakeRegistry.start();
  await using machine = await makeMachine();
  machine.workspace('work', { mine: 'as it was' });
  const honest = result(await good(machine.push('work', `--target=${registry.host}/good`)), 'image');
  const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
  const urls = [`http://${elsewhere.host}/layer`];
  const source = plant(registry, [tar], { content: () => undefined, descriptor: (it) => ({ ...it, mediaType, urls }) });
  await assertRefused(machine, source, honest, /addresses in a manifest are not followed/);
  assert.deepEqual(elsewhere.requests, []);
});

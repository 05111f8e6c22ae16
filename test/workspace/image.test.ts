import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../runtime/oci/digest.ts';
import { mediaTypes, readManifest } from '../../runtime/oci/manifest.ts';
import { imageOf } from '../../runtime/workspace/image.ts';

const docker = 'application/vnd.docker.image.rootfs.diff.tar';

/** An image of two layers as Docker writes it. */
function dockerImage(history: unknown) {
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [digestOf('one, unpacked'), digestOf('two, unpacked')] },
      history,
    }),
  );
  const layers = [`${docker}.gzip`, docker].map((mediaType, i) => ({ mediaType, size: i, digest: digestOf(`${i}`) }));
  const descriptor = { mediaType: 'application/vnd.docker.container.image.v1+json', size: 1, digest: digestOf(config) };
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.dockerManifest, config: descriptor, layers }),
  );
  const manifest = readManifest(bytes, mediaTypes.dockerManifest, 'docker');
  assert.ok(manifest.kind === 'image');
  return imageOf('given', 'registry.example/app', manifest, config);
}

test("layers of Docker's images are under the OCI's names in what is made of them", () => {
  const types = dockerImage([]).layers.map(({ descriptor }) => descriptor.mediaType);
  assert.deepEqual(types, [mediaTypes.layerGzip, mediaTypes.layer]);
});

test('what a history says stays with the layer it is about, and with those that were none (image-spec, config.md)', () => {
  const said = [
    { created_by: 'FROM' },
    { created_by: 'ENV', empty_layer: true },
    { created_by: 'COPY' },
    { created_by: 'CMD', empty_layer: true },
  ];
  const histories = dockerImage(said).layers.map(({ history }) => history);
  assert.deepEqual(histories, [said.slice(0, 1), said.slice(1)]);
  const wrong = dockerImage(said.slice(0, 2)).layers.map(({ history }) => history);
  assert.deepEqual(wrong, [[{}], [{}]], 'one that does not fit is not believed');
});

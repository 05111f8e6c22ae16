import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { look } from '../archive/support.ts';
import { buildOras } from '../oci/oras.ts';
import { buildRegistry, startRegistry } from '../oci/real-registry.ts';
import { requirePrograms } from '../peer/requirements.ts';
import { fill, good, makeMachine, result } from './support.ts';

let crane = '';
let oras = '';

before(async () => {
  await requirePrograms(['bash', 'tar', 'gzip', 'zstd']);
  crane = await buildRegistry('crane');
  oras = await buildOras(process.env, AbortSignal.timeout(600_000));
});

/** A script whose values are its environment. */
async function sh(script: string, values: Record<string, string>): Promise<string> {
  const env = { ...process.env, CRANE: crane, ORAS: oras, ...values };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { env });
  return stdout.trim();
}

/** Without times: not all of these keep them. */
function rough(seen: Map<string, unknown>): Map<string, unknown> {
  return new Map([...seen].map(([path, value]) => [path, { ...(value as object), mtime: undefined }]));
}

// Large enough for a map at the end of the layer.
const large = randomBytes(6_000_000).toString('hex');
const files = { a: 'a0', 'd/x': 'x', 'd/y': 'y', 'e/f/g': 'g'.repeat(100_000), large };

for (const kind of ['zstd', 'gzip', 'none'] as const) {
  test(`crane validates, exports and adds a layer to our ${kind} images, and we pull what it made`, async () => {
    await using registry = await startRegistry('crane');
    await using machine = await makeMachine();
    const target = `${registry.host}/app:${kind}`;
    const work = machine.workspace('work', files);
    await good(machine.push('work', `--target=${target}`, `--compression=${kind}`));
    fill(work, { 'd/x': 'changed', new: 'n' });
    const image = result(await good(machine.push('work', `--target=${target}`, `--compression=${kind}`)), 'image');
    const out = `${machine.path}/out`;
    mkdirSync(out);
    // crane validates no layers but gzip's (go-containerregistry, pkg/v1/validate/layer.go); it reads the others.
    const how = kind === 'gzip' ? [] : ['--fast'];
    await sh('"$CRANE" validate --insecure $HOW --remote "$IMAGE"', { IMAGE: image, HOW: how.join(' ') });
    await sh('"$CRANE" export --insecure "$IMAGE" - | tar -xp -C "$OUT"', { IMAGE: image, OUT: out });
    assert.deepEqual(rough(look(out)), rough(look(work)));
    const more = machine.workspace('more', { 'd/z': 'by crane', a: 'a1' });
    const appended = await sh(
      'tar -cf - -C "$MORE" . | "$CRANE" append --insecure -b "$IMAGE" -f /dev/stdin -t "$TARGET-more"',
      { MORE: more, IMAGE: image, TARGET: target },
    );
    await good(machine.pull('pulled', '--', appended));
    fill(work, { 'd/z': 'by crane', a: 'a1' });
    assert.deepEqual(rough(look(machine.workspace('pulled'))), rough(look(work)));
  });
}

test("what tar and oras push as Konflux's tasks do is pulled, by the digest of its layer too", async () => {
  await using registry = await startRegistry('crane');
  await using machine = await makeMachine();
  const work = machine.workspace('work', files);
  const repository = `${registry.host}/artifacts`;
  const digest = await sh(
    `tar -czf "$SCRATCH/source" -C "$WORK" . && cd "$SCRATCH"
     "$ORAS" push --plain-http --no-tty "$REPOSITORY:1" source:application/vnd.oci.image.layer.v1.tar+gzip >&2
     echo "sha256:$(sha256sum source | cut -d ' ' -f 1)"`,
    { WORK: work, REPOSITORY: repository, SCRATCH: machine.path },
  );
  for (const [i, source] of [`oci:${repository}@${digest}`, `${repository}:1`].entries()) {
    await good(machine.pull(`pulled-${i}`, '--', source));
    assert.deepEqual(rough(look(machine.workspace(`pulled-${i}`))), rough(look(work)), source);
  }
});

for (const kind of ['zstd', 'gzip'] as const) {
  test(`oras fetches our ${kind} layer as a blob, and copies our image with all that is in it`, async () => {
    await using registry = await startRegistry('crane');
    await using machine = await makeMachine();
    const work = machine.workspace('work', files);
    const repository = `${registry.host}/app`;
    const pushed = await good(machine.push('work', `--target=${repository}:1`, `--compression=${kind}`));
    const digest = await sh(
      `"$ORAS" manifest fetch --plain-http "$IMAGE" | tr ',' '\\n' | grep -A 3 tar+ | grep -o 'sha256:[0-9a-f]*'`,
      { IMAGE: result(pushed, 'image') },
    );
    const out = `${machine.path}/out`;
    mkdirSync(out);
    await sh('"$ORAS" blob fetch --plain-http "$REPOSITORY@$DIGEST" --output - | "$KIND" -dc | tar -xp -C "$OUT"', {
      ...{ REPOSITORY: repository, DIGEST: digest, KIND: kind, OUT: out },
    });
    assert.deepEqual(rough(look(out)), rough(look(work)));
    await sh('"$ORAS" cp --from-plain-http --to-oci-layout "$IMAGE" "$LAYOUT:copy"', {
      ...{ IMAGE: result(pushed, 'image'), LAYOUT: `${machine.path}/layout` },
    });
    const pulled = await good(machine.pull('pulled', '--', `oci:${machine.path}/layout:copy`));
    assert.match(result(pulled, 'image'), new RegExp(`@${result(pushed, 'IMAGE_DIGEST')}$`));
    assert.deepEqual(look(machine.workspace('pulled')), look(work));
  });
}

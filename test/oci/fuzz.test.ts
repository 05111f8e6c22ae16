import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { SubpipeError } from '../../runtime/errors.ts';
import { parseChallenges } from '../../runtime/oci/challenge.ts';
import { readConfig } from '../../runtime/oci/config.ts';
import { readDockerConfig } from '../../runtime/oci/docker-config.ts';
import { manifestLimit, mediaTypes, readManifest } from '../../runtime/oci/manifest.ts';
import { parseLocation } from '../../runtime/oci/name.ts';
import { numbers } from '../support/random.ts';

/** More of it: `SUBPIPE_FUZZ_RUNS=1000000 SUBPIPE_FUZZ_SEED=7 node --test test/oci/fuzz.test.ts`. */
const runs = Number(process.env.SUBPIPE_FUZZ_RUNS ?? 3000);
const seed = Number(process.env.SUBPIPE_FUZZ_SEED ?? 1);

/** Whole numbers below a limit. */
function randomFrom(start: number): (limit: number) => number {
  const next = numbers(start);
  return (limit) => Math.floor(next() * limit);
}

type Random = ReturnType<typeof randomFrom>;

const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = { mediaType: mediaTypes.layerGzip, digest, size: 10, annotations: { a: 'b' }, urls: ['http://x'] };
const samples: Record<string, unknown> = {
  image: {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { ...descriptor, mediaType: mediaTypes.config },
    layers: [descriptor, descriptor],
    subject: descriptor,
    annotations: { 'subpipe.dev/parents': digest },
  },
  index: {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...descriptor, mediaType: mediaTypes.manifest, platform: { os: 'linux', architecture: 'arm64' } }],
  },
  config: {
    os: 'linux',
    architecture: 'amd64',
    config: { Env: ['A=b'], Entrypoint: ['/x'] },
    rootfs: { type: 'layers', diff_ids: [digest] },
    history: [{ created_by: 'x', empty_layer: true }],
  },
  docker: {
    auths: { 'ghcr.io': { auth: 'bWU6c2VjcmV0' }, x: { identitytoken: 'abcdefgh' } },
    credHelpers: { 'a.example': 'one' },
    credsStore: 'x',
  },
};

const strange: unknown[] = [null, true, -1, 1e308, 2 ** 53, 0.5, '', '\0', '../../etc/passwd', 'sha256:', [], {}, [[]]];

/** A copy of a value with one thing in it changed, removed, repeated or nested deep. */
function mutate(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random(6) === 0) return strange[random(strange.length)];
  if (Array.isArray(value)) {
    const at = random(value.length + 1);
    if (random(3) === 0) return [...value.slice(0, at), ...value.slice(at + 1)];
    if (random(8) === 0) return Array.from({ length: 200 }, () => value[0]);
    return value.map((item, index) => (index === at ? mutate(item, random) : item));
  }
  const entries = Object.entries(value);
  const at = random(entries.length + 1);
  if (random(8) === 0) return JSON.parse(`{"__proto__":{"polluted":true},"constructor":${JSON.stringify(value)}}`);
  return Object.fromEntries(
    entries
      .filter((_, index) => index !== at || random(4) > 0)
      .map(([key, item], index) => [key, index === at ? mutate(item, random) : item]),
  );
}

/** The text of a value, sometimes with bytes changed, cut off, or too deep for a parser that recurses. */
function textOf(value: unknown, random: Random): Buffer {
  const bytes = Buffer.from(JSON.stringify(value) ?? '');
  if (bytes.length > 0 && random(3) === 0) bytes[random(bytes.length)] = random(256);
  if (random(10) === 0) return bytes.subarray(0, random(bytes.length + 1));
  return random(400) === 0 ? Buffer.from('['.repeat(100_000)) : bytes;
}

/** Nothing but a sentence for people may come of it. */
function survives(work: () => unknown, allowed: string, input: string): void {
  try {
    work();
  } catch (error) {
    const good = error instanceof SubpipeError && error.code === allowed && error.message.length < 8 * 1024;
    if (!good) throw new Error(`seed ${seed}: ${input.slice(0, 2000)}`, { cause: error });
  }
}

test('readers of manifests, configs, credentials and names give a value or one clear error, whatever comes', () => {
  const random = randomFrom(seed);
  const types = [mediaTypes.manifest, mediaTypes.index, mediaTypes.dockerManifest, mediaTypes.dockerIndex, 'x/y', ''];
  const names = Object.keys(samples);
  for (let run = 0; run < runs; run++) {
    let value = samples[names[random(names.length)] ?? ''];
    for (let count = random(4); count >= 0; count--) value = mutate(value, random);
    const bytes = textOf(value, random);
    const text = bytes.toString('utf8');
    survives(() => readManifest(bytes, types[random(types.length)] ?? '', 'a test'), 'FAILED', text);
    survives(() => readConfig(bytes, 'a test'), 'FAILED', text);
    survives(() => readDockerConfig(text, 'a test'), 'INVALID', text);
    survives(() => parseLocation(text.slice(0, 300)), 'INVALID', text);
    parseChallenges(text);
  }
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
});

test('what is read of a manifest has digests, sizes and media types of the right shape, and no addresses', () => {
  const random = randomFrom(seed + 1);
  for (let run = 0; run < runs; run++) {
    const bytes = textOf(mutate(random(2) === 0 ? samples.image : samples.index, random), random);
    for (const type of [mediaTypes.manifest, mediaTypes.index]) {
      let stored: ReturnType<typeof readManifest>;
      try {
        stored = readManifest(bytes, type, 'a test');
      } catch {
        continue;
      }
      const value = stored.value;
      const all = 'manifests' in value ? value.manifests : [value.config, ...value.layers];
      for (const item of [...all, ...(value.subject === undefined ? [] : [value.subject])]) {
        assert.match(item.digest, /^sha256:[0-9a-f]{64}$/);
        assert.ok(Number.isSafeInteger(item.size) && item.size >= 0);
        assert.equal(typeof item.mediaType, 'string');
        assert.ok(!('urls' in item));
      }
    }
  }
});

test('long challenges and manifests are read or refused', () => {
  for (const piece of ['a', ' ', ',', '"', '\\', 'a="', 'a=', 'Bearer ', '= ,']) parseChallenges(piece.repeat(20_000));
  assert.throws(() => readManifest(Buffer.alloc(manifestLimit + 1), mediaTypes.manifest, 'x'), /more than 4194304/);
});

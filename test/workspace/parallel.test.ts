import { test } from 'node:test';
import { FakeRegistry } from '../fakes/registry.ts';
import { pushTwentyAtOnce } from './parallel.ts';

test('20 processes that push to one tag at once: the next pull has all of it', { timeout: 600_000 }, async () => {
  await using registry = await FakeRegistry.start();
  await pushTwentyAtOnce(`${registry.host}/team/app:build`);
});

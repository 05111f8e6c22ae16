import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { FakeRegistry, type FakeRegistryOptions } from '../fakes/registry.ts';
import { ended, good, type Machine, makeMachine, type Outcome, result } from './support.ts';

const login = { kind: 'bearer', username: 'ci', password: 'pass-of-ci' } as const;

/** A machine that knows the password of a registry. */
async function machineFor(registry: FakeRegistry, password: string = login.password): Promise<Machine> {
  const machine = await makeMachine();
  const auth = Buffer.from(`${login.username}:${password}`).toString('base64');
  mkdirSync(path.join(machine.path, '.docker'));
  writeFileSync(
    path.join(machine.path, '.docker/config.json'),
    JSON.stringify({ auths: { [registry.host]: { auth } } }),
  );
  return machine;
}

const run = (machine: Machine, step: 'push' | 'pull', ...flags: string[]): Promise<Outcome> =>
  ended(machine.start(step, 'work', ...flags));

describe('a registry that hides a missing repository from who may only read', () => {
  for (const hidesMissing of [401, 403, 'token'] as const) {
    test(`by ${hidesMissing}: with --optional its tag is passed over by who may push, and found once it is there`, async () => {
      await using registry = await FakeRegistry.start({ auth: login, quirks: { hidesMissing } });
      await using machine = await machineFor(registry);
      const tag = `${registry.host}/team/app:main`;
      machine.workspace('work', { mine: 'm' });
      const first = await good(run(machine, 'pull', '--optional', '--', tag));
      assert.match(first.stderr, /team\/app:main is not there: passed over/);
      await good(run(machine, 'push', `--target=${tag}`));
      const before = registry.requests.length;
      const found = await good(run(machine, 'pull', '--optional', '--', tag));
      assert.match(result(found, 'image'), /team\/app@sha256:/);
      const scopes = registry.requests.slice(before).filter((line) => line.includes('/token'));
      assert.deepEqual(
        scopes.filter((line) => line.includes('push')),
        [],
        'who may read does not ask for more',
      );
    });

    test(`by ${hidesMissing}: a cache is a miss, and is saved`, async () => {
      await using registry = await FakeRegistry.start({ auth: login, quirks: { hidesMissing } });
      await using machine = await machineFor(registry);
      const place = `${registry.host}/team/cache`;
      machine.workspace('work', { lock: 'l', deps: 'd' });
      const miss = await good(run(machine, 'pull', '--key=deps-{hash lock}', '--restore-keys=deps-', '--', place));
      assert.equal(result(miss, 'cache'), 'miss');
      const saved = await good(run(machine, 'push', '--key=deps-{hash lock}', '--include=deps', `--target=${place}`));
      assert.equal(result(saved, 'cache'), 'saved');
    });
  }

  const refusals: { who: string; options: FakeRegistryOptions; password?: string; said: RegExp }[] = [
    {
      who: 'may not push there',
      options: { auth: { ...login, readsOnly: true }, quirks: { hidesMissing: 401 } },
      said: /team\/app: cannot read main: HTTP 401 .*asked as user "ci".*no repository team\/app yet, only who may push to it is told so: give credentials that may, or make it first\./,
    },
    {
      who: 'has the wrong password',
      options: { auth: login, quirks: { hidesMissing: 401 } },
      password: 'wrong',
      said: /gave no token for repository:team\/app:pull to user "ci".*Check the credentials for 127\.0\.0\.1:\d+\. Where there is no repository team\/app yet/,
    },
    {
      who: 'is anonymous, where everybody may read what there is',
      options: { auth: { ...login, public: true }, quirks: { hidesMissing: 401 } },
      password: '',
      said: /asked as anonymous access.*give credentials that may, or make it first/,
    },
  ];
  for (const { who, options, password, said } of refusals) {
    test(`is not taken for one without the tag by who ${who}: the folder stays, and the error says what to do`, async () => {
      await using registry = await FakeRegistry.start(options);
      await using machine = password === '' ? await makeMachine() : await machineFor(registry, password);
      const work = machine.workspace('work', { mine: 'm' });
      const refused = await run(machine, 'pull', '--optional', '--', `${registry.host}/team/app:main`);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, said);
      assert.doesNotMatch(refused.stderr, /pass-of-ci/);
      assert.equal(readFileSync(path.join(work, 'mine'), 'utf8'), 'm');
    });
  }

  test('is not asked for the right to push without --optional, and by nobody for a digest', async () => {
    await using registry = await FakeRegistry.start({ auth: login, quirks: { hidesMissing: 401 } });
    await using machine = await machineFor(registry);
    for (const flags of [
      ['--', `${registry.host}/team/app:main`],
      ['--optional', '--', `${registry.host}/team/app@sha256:${'0'.repeat(64)}`],
    ]) {
      assert.equal((await run(machine, 'pull', ...flags)).code, 3);
    }
    assert.deepEqual(
      registry.requests.filter((line) => line.includes('push')),
      [],
    );
  });
});

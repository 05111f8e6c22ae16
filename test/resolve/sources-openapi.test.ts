import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openForgeRepository } from '../../runtime/resolve/sources/repository.ts';
import { startForge } from '../fakes/forge.ts';
import published from '../fakes/openapi/paths.json' with { type: 'json' };
import { keptLog, sourcesFor } from './support/sources.ts';

const cases = [
  { kind: 'github', base: '/api/v3', blob: '/o/r/blob/main/a.yaml' },
  { kind: 'bitbucket-cloud', base: '/2.0', blob: '/o/r/src/main/a.yaml' },
] as const;

for (const { kind, base, blob } of cases) {
  test(`${kind}: every request is one of the published API (${published[kind].from})`, async () => {
    const branches = {
      main: { '.tekton/a.yaml': 'a: 1', 'a.yaml': 'a: 1' },
      'feature/one': { '.tekton/b.yaml': 'b: 1' },
    };
    await using forge = await startForge(kind, [{ name: 'o/r', branches }]);
    for (const revision of [undefined, 'main', 'feature/one']) {
      const options = {
        url: `${forge.url}/o/r`,
        forge: kind,
        revision,
        allowPrivateAddresses: true,
        log: keptLog().log,
      };
      await (await openForgeRepository(options)).files();
    }
    const sources = sourcesFor({ repoUrl: `${forge.url}/o/r`, forge: kind, token: 'some-token' });
    await sources.fetch({ kind: 'url', url: `${forge.url}${blob}` }, 'task');
    // {path} and {ref} stand for what may hold slashes.
    const patterns = published[kind].paths.map(
      (path) =>
        new RegExp(`^${path.replace(/\{(\w+)\}/g, (_all, name) => (/^(path|ref)$/.test(name) ? '.+' : '[^/]+'))}$`),
    );
    assert.ok(forge.requests.length > 5);
    for (const line of forge.requests) {
      const { pathname } = new URL(line.split(' ')[1] ?? '', 'http://forge');
      const asked = pathname.slice(base.length);
      assert.ok(pathname.startsWith(base) && patterns.some((pattern) => pattern.test(asked)), line);
    }
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startArtifactHub, startTektonHub } from '../../fakes/hub.ts';
import { makeFolder } from '../../support/folder.ts';
import { serve } from '../../support/http-server.ts';
import { naming, runOf, taskOf } from '../support/yaml.ts';
import { imagesOf, objects, refusal, resolve } from './command.ts';

const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

test('in a pod loopback, link-local and metadata addresses are refused unless a param allows them; a person asks as they like', async () => {
  await using server = await serve((_request, response) => response.end(taskOf('x', 'i')));
  const at = (url: string) => ({ '.tekton/a.yaml': runOf({ task: url }, naming('x')) });
  await using folder = await makeFolder(at(`${server.url}/x.yaml`));
  const flags = ['-f', '.tekton'];
  assert.match(await refusal(folder.path, flags, { env: pod }), /requests to 127\.0\.0\.1 are not allowed/);
  assert.equal(server.seen.length, 0);
  await objects(folder.path, [...flags, '--allow-private-addresses=true'], { env: pod });
  await objects(folder.path, flags);
  assert.equal(server.seen.length, 2);
  assert.match(await refusal(folder.path, [...flags, '--allow-private-addresses=false']), /are not allowed/);
  await using metadata = await makeFolder(at('http://169.254.169.254/latest/x.yaml'));
  assert.match(await refusal(metadata.path, flags, { env: pod }), /requests to 169\.254\.169\.254 are not allowed/);
});

test('catalogues of the command line: Artifact Hub and Tekton Hub, by name, with a version, and no way back to the default one', async () => {
  await using default_ = await startArtifactHub({ 'task/tekton-catalog-tasks/lint/1.0.0': taskOf('lint', 'default') });
  await using mine = await startArtifactHub({
    'task/mine/clone/0.1.0': taskOf('clone', 'mine-0.1'),
    'task/mine/clone/0.2.0': taskOf('clone', 'mine-0.2'),
  });
  await using old = await startTektonHub({ 'task/tekton/build/0.3': taskOf('build', 'old') });
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({ task: '[lint, mine://clone:0.1, old://build]' }, naming('lint', 'clone', 'build')),
  });
  const flags = [
    '-f',
    '.tekton',
    '--catalogs',
    `default=${default_.url},mine=${mine.url},id=mine`,
    '--catalog',
    `old=${old.url}/v1,type=tektonhub`,
  ];
  const [run] = await objects(folder.path, flags);
  assert.deepEqual(imagesOf(run), { lint: 'default', clone: 'mine-0.1', build: 'old' });

  await folder.write('.tekton/a.yaml', runOf({ task: 'mine://lint' }, naming('lint')));
  assert.match(await refusal(folder.path, flags), /the catalogue "mine" .* has no task "lint"/);
  await folder.write('.tekton/a.yaml', runOf({ task: 'none://lint' }, naming('lint')));
  const message = await refusal(folder.path, flags);
  assert.match(
    message,
    /a\.yaml, line 6: .* there is no catalogue "none": there is "default", "mine", "old"\. Give it as --catalog none=URL/,
  );
  assert.match(
    await refusal(folder.path, ['-f', '.tekton', '--catalog', 'x']),
    /the catalogue "x" has no URL: expected NAME=URL/,
  );
});

test('a redirect to another host is followed without the credentials of the first', async () => {
  await using other = await serve((_request, response) => response.end(taskOf('x', 'i')));
  await using server = await serve((_request, response) =>
    response.writeHead(302, { location: `${other.url.replace('127.0.0.1', 'localhost')}/x.yaml` }).end(),
  );
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({ task: `${server.url.replace('//', '//me:sesame-open@')}/x.yaml` }, naming('x')),
  });
  const { code, stdout, stderr } = await resolve(folder.path, ['-f', '.tekton', '--log-level=debug']);
  assert.equal(code, 0, stderr);
  assert.match(server.seen[0]?.headers.authorization ?? '', /^Basic /);
  assert.equal(other.seen[0]?.headers.authorization, undefined);
  assert.doesNotMatch(stderr, /sesame/);
  assert.match(stdout, /image: i\n/);
});

test('a server that is busy is asked again when it says so, and one request is sent for a URL however often it is named', async () => {
  let tries = 0;
  await using server = await serve((_request, response) => {
    tries++;
    if (tries === 1) response.writeHead(503, { 'retry-after': '0' }).end();
    else response.end(taskOf('x', 'i'));
  });
  const run = (name: string) => runOf({ task: `[${server.url}/x.yaml, ${server.url}/x.yaml]` }, naming('x'), name);
  await using folder = await makeFolder({ '.tekton/a.yaml': `${run('a')}---\n${run('b')}` });
  assert.equal((await objects(folder.path, ['-f', '.tekton'])).length, 2);
  assert.equal(server.seen.length, 2);
});

test('what a server sends without end is an error and no memory', async () => {
  await using server = await serve((_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write('#'.repeat(65_536)));
    };
    response.on('drain', more).on('error', () => {});
    more();
  });
  await using folder = await makeFolder({ '.tekton/a.yaml': runOf({ task: `${server.url}/x.yaml` }, naming('x')) });
  assert.match(await refusal(folder.path, ['-f', '.tekton']), /x\.yaml is larger than 5242880 bytes/);
});

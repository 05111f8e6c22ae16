import assert from 'node:assert/strict';
import dns from 'node:dns';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '../../runtime/errors.ts';
import { request } from '../../runtime/http.ts';
import { guard, isRefused } from '../../runtime/resolve/sources/address.ts';
import { serve } from '../support/http-server.ts';
import { keptLog, repositoryOf, sourcesFor, task } from './support/sources.ts';

const at = (url: string) => ({ kind: 'url' as const, url });

test('one request a URL, however often and by how many at once it is named', async () => {
  await using server = await serve((_request, response) => void sleep(20).then(() => response.end(task('a'))));
  const sources = sourcesFor();
  const url = `${server.url}/a.yaml`;
  const many = await Promise.all(Array.from({ length: 50 }, () => sources.fetch(at(url), 'task')));
  await sources.fetch(at(url), 'task');
  assert.ok(many.every(({ text }) => text === task('a')));
  assert.equal(server.seen.length, 1);
});

test('different URLs are fetched side by side, sixteen at a time', async () => {
  let now = 0;
  let most = 0;
  await using server = await serve((_request, response) => {
    most = Math.max(most, ++now);
    void sleep(20).then(() => {
      now--;
      response.end(task('a'));
    });
  });
  const sources = sourcesFor();
  await Promise.all(Array.from({ length: 60 }, (_, index) => sources.fetch(at(`${server.url}/${index}.yaml`), 'task')));
  assert.equal(server.seen.length, 60);
  assert.ok(most > 1 && most <= 16, `${most} at a time`);
});

test('one caller that gives up does not end the wait of another', async () => {
  await using server = await serve((_request, response) => void sleep(100).then(() => response.end(task('a'))));
  const sources = sourcesFor();
  const url = `${server.url}/a.yaml`;
  const impatient = sources.fetch(at(url), 'task', AbortSignal.timeout(10));
  const patient = sources.fetch(at(url), 'task');
  await assert.rejects(impatient, { name: 'TimeoutError' });
  assert.equal((await patient).text, task('a'));
});

test('too large is an error, announced or not', async () => {
  await using server = await serve((request, response) => {
    if (request.url === '/announced') response.setHeader('content-length', 2000);
    response.write('a'.repeat(1000));
    response.end('a'.repeat(1000));
  });
  for (const path of ['/announced', '/streamed']) {
    await assert.rejects(
      sourcesFor({ sizeLimit: 1500 }).fetch(at(server.url + path), 'task'),
      /is larger than 1500 bytes/,
    );
  }
  assert.equal((await sourcesFor({ sizeLimit: 2000 }).fetch(at(`${server.url}/x`), 'task')).text.length, 2000);
});

test('a server that sends no end is given up after the time limit', async () => {
  await using server = await serve((_request, response) => void response.write('a'));
  await assert.rejects(sourcesFor({ timeLimit: 100 }).fetch(at(`${server.url}/a`), 'task'), (error: Error) => {
    assert.match(error.message, /took longer than 0\.1 s/);
    return true;
  });
});

test('what is not UTF-8 is an error', async () => {
  await using server = await serve((_request, response) => response.end(Buffer.from([0x61, 0xff, 0xfe])));
  await assert.rejects(sourcesFor().fetch(at(`${server.url}/a`), 'task'), /is not a text in UTF-8/);
});

test('a busy server is asked again when it says so', async () => {
  let tries = 0;
  await using server = await serve((_request, response) => {
    if (++tries === 1) response.writeHead(429, { 'retry-after': '0' }).end();
    else response.end(task('a'));
  });
  assert.equal((await sourcesFor().fetch(at(`${server.url}/a`), 'task')).text, task('a'));
  assert.equal(tries, 2);
});

test('credentials in a URL go to its host, and into no error, log or name', async () => {
  await using other = await serve((_request, response) => response.end(task('a')));
  await using server = await serve((request, response) => {
    if (request.url === '/gone') response.writeHead(404).end();
    else response.writeHead(302, { location: `${other.url}/there` }).end();
  });
  const { log, lines } = keptLog();
  const sources = sourcesFor({ log });
  const withLogin = (path: string) =>
    at(`${server.url.replace('//', '//someone:sesame-1234@')}${path}?token=qwertyuiop`);
  const fetched = await sources.fetch(withLogin('/moved'), 'task');
  assert.equal(fetched.from, `${server.url}/moved`);
  assert.equal(server.seen[0]?.headers.authorization, `Basic ${Buffer.from('someone:sesame-1234').toString('base64')}`);
  assert.equal(other.seen[0]?.headers.authorization, undefined);
  const error: unknown = await sources.fetch(withLogin('/gone'), 'task').catch((reason: unknown) => reason);
  assert.doesNotMatch(`${explain(error)} ${lines.join('')}`, /sesame|qwertyuiop/);
});

test('loopback, link-local and metadata addresses are refused unless they are allowed', async () => {
  await using server = await serve((_request, response) => response.end(task('a')));
  const sources = sourcesFor({ allowPrivateAddresses: false });
  const port = new URL(server.url).port;
  const refused = [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '0.0.0.0',
  ];
  for (const host of refused) {
    await assert.rejects(
      sources.fetch(at(`http://${host}:${port}/`), 'task'),
      /are not allowed: it is a loopback/,
      host,
    );
  }
  await assert.rejects(sources.fetch(at('http://169.254.169.254/latest/meta-data/'), 'task'), /are not allowed/);
  assert.equal(server.seen.length, 0);
  assert.equal((await sourcesFor().fetch(at(`${server.url}/`), 'task')).text, task('a'));
});

test('which addresses are refused, also inside of IPv6', () => {
  for (const address of [
    '127.1.2.3',
    '169.254.0.1',
    '::',
    '::1',
    'fe80::1%eth0',
    '::ffff:169.254.169.254',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'fd00:ec2::254',
    '168.63.129.16',
  ]) {
    assert.equal(isRefused(address), true, address);
  }
  for (const address of [
    '10.0.0.1',
    '192.168.1.1',
    '140.82.121.4',
    '2606:50c0:8000::1',
    '::ffff:10.0.0.1',
    'fd12::1',
  ]) {
    assert.equal(isRefused(address), false, address);
  }
});

test('a name is judged again when it is connected to', async () => {
  const lookup = await guard(new URL('http://rebinding.invalid/'));
  const error = await new Promise((resolve) => lookup('rebinding.invalid', {}, (reason) => resolve(reason)));
  assert.ok(error instanceof Error);
  const judged = await guard(new URL('http://192.0.2.1/'));
  const proxy = await new Promise((resolve) =>
    judged('localhost', {}, (reason, address) => resolve(reason ?? address)),
  );
  assert.match(String(proxy), /^(127\.0\.0\.1|::1)$/, 'a name that is not the URL’s is the proxy’s');
});

test('a path is read from the repository, and another relative to it', async () => {
  const repository = repositoryOf({ 'share/tasks/a.yaml': task('a'), 'share/b.yaml': task('b') });
  const sources = sourcesFor({ repository });
  const first = await sources.fetch({ kind: 'path', path: './share/tasks/a.yaml' }, 'task');
  assert.equal(first.from, 'share/tasks/a.yaml');
  assert.deepEqual(first.relative('../b.yaml'), { kind: 'path', path: 'share/b.yaml' });
  await assert.rejects(
    sources.fetch({ kind: 'path', path: '../../../etc/passwd' }, 'task'),
    /leads out of the repository/,
  );
  await assert.rejects(sources.fetch({ kind: 'path', path: '/etc/passwd' }, 'task'), /is absolute/);
});

test('a path in a file at a plain address is the file beside it, %2F kept', async () => {
  await using server = await serve((_request, response) => response.end(task('a')));
  const fetched = await sourcesFor().fetch(at(`${server.url}/x%2Fy/pipelines/p.yaml?v=1`), 'pipeline');
  assert.deepEqual(fetched.relative('../tasks/t.yaml'), at(`${server.url}/x%2Fy/tasks/t.yaml`));
});

test('a redirect is judged as the first address is, at once and without tries', async () => {
  await using inner = await serve((_request, response) => response.end('secret'));
  await using outer = await serve((_request, response) => response.writeHead(302, { location: `${inner.url}/` }).end());
  const judged: string[] = [];
  const answer = request({
    url: `${outer.url}/a`,
    guard: async (url) => {
      judged.push(url.port);
      // Both servers of a test are at the loopback: the port stands for the address.
      if (url.port === String(inner.port)) return guard(url);
      return (hostname, options, done) => dns.lookup(hostname, options, done);
    },
  });
  await assert.rejects(answer, /are not allowed: it is a loopback/);
  assert.deepEqual(judged, [String(outer.port), String(inner.port)]);
  assert.equal(inner.seen.length, 0);
});

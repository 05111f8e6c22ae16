import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer } from 'node:net';
import process from 'node:process';
import { test } from 'node:test';
import { explain, hasCode } from '../../runtime/errors.ts';
import { request } from '../../runtime/http.ts';
import { selfSigned } from '../support/certificate.ts';
import { makeFolder } from '../support/folder.ts';
import { serve } from '../support/http-server.ts';
import { runText } from '../support/run-file.ts';

/** Retries without the waiting. */
const retry = { attempts: 3, baseMs: 1, capMs: 5 };

for (const status of [408, 425, 429, 500, 502, 503, 504]) {
  test(`a response ${status} is tried again until it is a good one`, async () => {
    await using server = await serve((_, response) => {
      response.writeHead(server.seen.length < 3 ? status : 200).end('done');
    });
    const response = await request({ url: server.url, retry });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), 'done');
    assert.equal(server.seen.length, 3);
  });
}

for (const status of [400, 401, 403, 404, 409, 410, 422, 501, 505]) {
  test(`a response ${status} is given at once`, async () => {
    await using server = await serve((_, response) => response.writeHead(status).end('why'));
    const response = await request({ url: server.url, retry });
    assert.equal(response.status, status);
    assert.equal(await response.text(), 'why');
    assert.equal(server.seen.length, 1);
  });
}

test('the last response of all tries is given with its body', async () => {
  await using server = await serve((_, response) => response.writeHead(503).end('still down'));
  const response = await request({ url: server.url, retry });
  assert.equal(response.status, 503);
  assert.equal(await response.text(), 'still down');
  assert.equal(server.seen.length, 3);
});

test('Retry-After is waited for', async () => {
  const times: number[] = [];
  await using server = await serve((_, response) => {
    times.push(performance.now());
    if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
    else response.end();
  });
  await (await request({ url: server.url, retry })).text();
  const [first = 0, second = 0] = times;
  assert.ok(second - first >= 990, `${second - first} ms`);
});

test('a cut connection is tried again, with the whole body', async () => {
  const bodies: string[] = [];
  await using server = await serve((incoming, response) => {
    if (server.seen.length < 2) return void incoming.socket.destroy();
    incoming.on('data', (chunk: Buffer) => bodies.push(chunk.toString())).on('end', () => response.end());
  });
  await (await request({ url: server.url, method: 'POST', body: 'all of it', retry })).text();
  assert.deepEqual(bodies, ['all of it']);
});

test('a server that is not there is an error after all tries, without the query and credentials of the URL', async () => {
  const error: unknown = await request({ url: 'http://bob:pw@127.0.0.1:1/x?token=abc', retry }).catch(
    (one: unknown) => one,
  );
  assert.ok(hasCode(error, 'UNAVAILABLE'));
  assert.match(explain(error), /^GET http:\/\/127\.0\.0\.1:1\/x failed after 3 tries: .*ECONNREFUSED/);
  assert.ok(!/bob|token/.test(explain(error)));
});

test('retry: false makes one try', async () => {
  await using server = await serve((incoming) => incoming.socket.destroy());
  await assert.rejects(request({ url: server.url, retry: false }), /failed$/);
  assert.equal(server.seen.length, 1);
});

test('a server that does not answer in time is tried again, then given up', async () => {
  await using server = await serve(() => undefined);
  const error: unknown = await request({ url: server.url, timeoutMs: 50, retry: { ...retry, attempts: 2 } }).catch(
    (one: unknown) => one,
  );
  assert.match(explain(error), /failed after 2 tries: no response within 50 ms/);
  assert.equal(server.seen.length, 2);
});

test('a server that accepts and never speaks is given up as well', async () => {
  const mute = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => mute.on('listening', resolve));
  const address = mute.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  await assert.rejects(request({ url: `http://127.0.0.1:${port}`, timeoutMs: 50, retry: false }));
  mute.close();
});

test('an abort ends a request, a pause between tries and the reading of a body, with its reason', async () => {
  const reason = new Error('enough');
  await using server = await serve((incoming, response) => {
    if (incoming.url === '/busy') response.writeHead(503, { 'retry-after': '200' }).end();
    if (incoming.url === '/body') response.write('begin');
  });
  const aborted = async (path: string, when: () => boolean): Promise<unknown> => {
    const stop = new AbortController();
    const sent = request({ url: `${server.url}${path}`, signal: stop.signal, retry });
    while (!when()) await new Promise((resolve) => setTimeout(resolve, 2));
    stop.abort(reason);
    return sent.catch((error: unknown) => error);
  };
  assert.equal(await aborted('/silent', () => server.seen.length === 1), reason);
  assert.equal(await aborted('/busy', () => server.seen.length === 2), reason);
  const stop = new AbortController();
  const response = await request({ url: `${server.url}/body`, signal: stop.signal });
  const text = response.text();
  stop.abort(reason);
  await assert.rejects(text);
  stop.abort();
  await assert.rejects(request({ url: server.url, signal: stop.signal }), (error) => error === reason);
  assert.equal(server.seen.length, 3);
});

test('a body larger than its limit is refused', async () => {
  await using server = await serve((_, response) => response.end('x'.repeat(100)));
  await assert.rejects((await request({ url: server.url })).text(99), /larger than 99 bytes/);
  assert.equal((await (await request({ url: server.url })).text(100)).length, 100);
});

test('the request says who asks', async () => {
  await using server = await serve((_, response) => response.end());
  await (await request({ url: server.url })).text();
  assert.match(server.seen[0]?.headers['user-agent'] ?? '', /^subpipe\/\d/);
});

const secret = { authorization: 'Bearer abc', Cookie: 'a=b', 'private-token': 'x', accept: 'text/plain' };

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect ${status} to another host is followed without credentials`, async () => {
    await using there = await serve((_, response) => response.end('there'));
    await using here = await serve((_, response) => response.writeHead(status, { location: `${there.url}/x` }).end());
    const response = await request({ url: here.url, headers: secret });
    assert.equal(await response.text(), 'there');
    const { authorization, cookie, accept, ...rest } = there.seen[0]?.headers ?? {};
    assert.deepEqual(
      [authorization, cookie, rest['private-token'], accept],
      [undefined, undefined, undefined, 'text/plain'],
    );
    assert.equal(here.seen[0]?.headers.authorization, 'Bearer abc');
  });
}

test('a redirect from TLS to the same host without it is followed without credentials', async () => {
  const certificate = selfSigned();
  const seen: string[] = [];
  const answer: RequestListener = (incoming, response) => {
    const { authorization = 'none' } = incoming.headers;
    const isSecure = 'encrypted' in incoming.socket;
    seen.push(`${isSecure ? 'https' : 'http'} ${authorization}`);
    response.writeHead(isSecure ? 302 : 200, isSecure ? { location: `http://${incoming.headers.host}/x` } : {}).end();
  };
  const [plain, secure] = [createHttp(answer), createHttps(certificate, answer)];
  // One port for both, as the standard ones are of one host: the first byte of TLS tells.
  const either = createServer((socket) => {
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      (first[0] === 22 ? secure : plain).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  }).listen(0, '127.0.0.1');
  await once(either, 'listening');
  const address = either.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const tls = { ca: certificate.cert };
  const response = await request({ url: `https://127.0.0.1:${port}`, headers: secret, tls, retry: false });
  await response.text();
  assert.deepEqual(seen, ['https Bearer abc', 'http none']);
  either.close();
});

test('a redirect on the same host keeps credentials', async () => {
  await using server = await serve((incoming, response) => {
    if (incoming.url === '/a') response.writeHead(302, { location: '/b' }).end();
    else response.end(incoming.headers.authorization);
  });
  assert.equal(await (await request({ url: `${server.url}/a`, headers: secret })).text(), 'Bearer abc');
});

test('credentials that were left behind do not come back on the way back', async () => {
  await using there = await serve((_, response) => response.writeHead(302, { location: `${here.url}/end` }).end());
  await using here = await serve((incoming, response) => {
    if (incoming.url === '/end') response.end(incoming.headers.authorization ?? 'none');
    else response.writeHead(302, { location: there.url }).end();
  });
  assert.equal(await (await request({ url: here.url, headers: secret })).text(), 'none');
});

test('redirects end, and a POST is not sent elsewhere', async () => {
  await using server = await serve((_, response) => response.writeHead(302, { location: '/again' }).end());
  assert.equal((await request({ url: server.url, redirects: 3 })).status, 302);
  assert.equal(server.seen.length, 4);
  assert.equal((await request({ url: server.url, method: 'POST', body: 'x' })).status, 302);
  assert.equal(server.seen.length, 5);
});

/** Asks for a URL in a process of its own, because proxies and CAs are read once a process. */
async function ask(url: string, env: Record<string, string>, input = ''): Promise<string> {
  const running = runText(
    `import { request } from './runtime/http.ts';
     import { explain } from './runtime/errors.ts';
     const said = await request({ url: '${url}', retry: false, ${input} }).then((response) => response.text(), explain);
     process.stdout.write(said);`,
    env,
  );
  assert.equal(await running.ended, 0, running.stderr);
  return running.stdout;
}

test('SSL_CERT_FILE adds a CA, and without it the certificate is refused', async () => {
  const certificate = selfSigned();
  await using folder = await makeFolder({ 'ca.crt': certificate.cert });
  await using server = await serve((_, response) => response.end('trusted'), certificate);
  const [good, bad] = await Promise.all([
    ask(server.url, { SSL_CERT_FILE: `${folder.path}/ca.crt` }),
    ask(server.url, {}),
  ]);
  assert.equal(good, 'trusted');
  assert.match(bad, /self-signed certificate/);
});

test('proxies come from the environment, and NO_PROXY goes past them', async () => {
  await using proxy = await serve((incoming, response) => response.end(`proxied ${incoming.url}`));
  const connects: string[] = [];
  proxy.server.on('connect', (incoming, socket) => {
    connects.push(incoming.url ?? '');
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await using server = await serve((_, response) => response.end('direct'));
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
  const [through, past, secure] = await Promise.all([
    ask('http://registry.invalid/x', env),
    ask(server.url, { ...env, NO_PROXY: '127.0.0.1' }),
    ask('https://registry.invalid/x', env),
  ]);
  assert.equal(through, 'proxied http://registry.invalid/x');
  assert.equal(past, 'direct');
  assert.match(secure, /^GET https:\/\/registry\.invalid\/x failed/);
  assert.deepEqual(connects, ['registry.invalid:443']);
});

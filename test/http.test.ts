import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { explain } from '../runtime/errors.ts';
import { request } from '../runtime/http.ts';

async function serve(listener: RequestListener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('many requests over one connection leave no listener behind', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  await using server = await serve((_request, response) => response.end('ok'));
  for (let count = 0; count < 30; count++) await (await request({ url: server.url })).text();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
});

test('a streamed upload may take longer than the timeout, as long as bytes go out', async () => {
  await using server = await serve((incoming, response) => {
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    incoming.on('end', () => response.end(String(size)));
  });
  async function* slow() {
    for (let count = 0; count < 6; count++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield Buffer.alloc(1000);
    }
  }
  const body = () => Readable.from(slow());
  const response = await request({ url: server.url, method: 'PUT', body, timeoutMs: 300, retry: false });
  assert.equal(await response.text(), '6000');
});

test('an upload whose source breaks fails with the reason of the source', async () => {
  await using server = await serve((incoming, response) => {
    incoming.resume().on('end', () => response.end());
  });
  async function* broken() {
    yield Buffer.alloc(1000);
    throw new Error('the disk is gone');
  }
  const upload = request({ url: server.url, method: 'PUT', body: () => Readable.from(broken()), retry: false });
  await assert.rejects(upload, (error: Error) => (error.cause as Error).message === 'the disk is gone');
});

test('a body that stops in the middle fails after the idle time', async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': 10 }).write('half');
  });
  const response = await request({ url: server.url, idleMs: 100 });
  const error = await response.text().catch((cause: unknown) => cause);
  assert.match(explain(error), /^GET http\S+ broke off in the middle of its answer: no data for 100 ms\.$/);
});

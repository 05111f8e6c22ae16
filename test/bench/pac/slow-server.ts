import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SlowServer extends AsyncDisposable {
  url: string;
}

/** Serves texts on loopback, each answer so many ms after its request: as far away as a server on the same continent. */
export async function slowServer(texts: ReadonlyMap<string, string>, delayMs: number): Promise<SlowServer> {
  const server = createServer((request, response) => {
    const text = texts.get(request.url ?? '');
    setTimeout(() => response.writeHead(text === undefined ? 404 : 200).end(text), delayMs);
  });
  server.listen(0, '127.0.0.1', 1024);
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** TCP between a client and a server that breaks: what has passed has passed, the rest never arrives. */
export interface BreakingProxy extends AsyncDisposable {
  host: string;
  /** Connections that it broke. */
  broken: number;
  /** Bytes from the server to clients, so far. */
  received: number;
  breakAgain(times: number): void;
}

/** @param after bytes of one connection, of both directions, after which it breaks, so many times. */
export async function breakingProxy(to: string, fault: { after: number; times: number }): Promise<BreakingProxy> {
  const [address = '', port = ''] = to.split(':');
  const sockets = new Set<Socket>();
  let left = fault.times;
  const server = createServer((client) => {
    const upstream = connect(Number(port), address);
    let passed = 0;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', end).on('close', end);
      from.on('data', (chunk: Buffer) => {
        passed += chunk.length;
        if (from === upstream) proxy.received += chunk.length;
        if (left > 0 && passed > fault.after) {
          left -= 1;
          proxy.broken += 1;
          end();
        } else if (!into.write(chunk)) {
          from.pause();
          into.once('drain', () => from.resume());
        }
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: BreakingProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    broken: 0,
    received: 0,
    breakAgain(times) {
      left = times;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

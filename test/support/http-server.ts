import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './certificate.ts';

/** A real server of a test on a free port, with the requests that it has seen. */
export interface HttpServer extends AsyncDisposable {
  url: string;
  port: number;
  seen: IncomingMessage[];
  server: http.Server;
}

/** @param host the address that it listens on, default the loopback's */
export async function serve(
  listener: RequestListener,
  certificate?: Certificate,
  host = '127.0.0.1',
): Promise<HttpServer> {
  const seen: IncomingMessage[] = [];
  const answer: RequestListener = (request, response) => {
    seen.push(request);
    listener(request, response);
  };
  const server = certificate === undefined ? http.createServer(answer) : https.createServer(certificate, answer);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    seen,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

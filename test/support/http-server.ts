import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './certificate.ts';

/** A real server of a test on a free port of the loopback, with the requests that it has seen. */
export interface HttpServer extends AsyncDisposable {
  url: string;
  port: number;
  seen: IncomingMessage[];
  server: http.Server;
}

export async function serve(listener: RequestListener, certificate?: Certificate): Promise<HttpServer> {
  const seen: IncomingMessage[] = [];
  const answer: RequestListener = (request, response) => {
    seen.push(request);
    listener(request, response);
  };
  const server = certificate === undefined ? http.createServer(answer) : https.createServer(certificate, answer);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
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

import type { ServerResponse } from 'node:http';

interface Line {
  time: string;
  text: string;
}

interface ContainerLog {
  lines: Line[];
  ended: boolean;
  readers: Map<ServerResponse, (line: Line) => string>;
  waiting: boolean;
}

/** Logs of containers as the kubelet serves them: whole or followed, with times, from a whole second on. */
export class PodLogs {
  readonly #logs = new Map<string, ContainerLog>();
  #clock = Date.parse('2026-01-01T00:00:00Z');

  /** Writes lines; followers get them at once. Each line is a millisecond later than the one before. */
  write(pod: string, container: string, ...lines: string[]): void {
    const log = this.#log(pod, container);
    log.waiting = false;
    for (const text of lines) {
      const line = { time: `${new Date(this.#clock++).toISOString().slice(0, -1)}000000Z`, text };
      log.lines.push(line);
      for (const [reader, format] of log.readers) reader.write(format(line));
    }
  }

  /** The container has ended: followers come to the end. */
  end(pod: string, container: string): void {
    const log = this.#log(pod, container);
    log.ended = true;
    for (const reader of log.readers.keys()) reader.end();
    log.readers.clear();
  }

  /** Cuts the connections of all followers. */
  cut(): void {
    for (const { readers } of this.#logs.values()) for (const reader of readers.keys()) reader.destroy();
  }

  /** The kubelet refuses until the first line: the container is still being started. */
  starting(pod: string, container: string): void {
    this.#log(pod, container).waiting = true;
  }

  readers(pod: string, container: string): number {
    return this.#log(pod, container).readers.size;
  }

  answer(namespace: string, pod: string, query: URLSearchParams, response: ServerResponse) {
    const container = query.get('container') ?? '';
    const log = this.#logs.get(`${pod}/${container}`);
    if (log === undefined) return refuse(response, 404, `pods "${pod}" not found`);
    if (log.waiting) {
      return refuse(response, 400, `container "${container}" in pod "${pod}" is waiting to start: PodInitializing`);
    }
    response.writeHead(200, { 'content-type': 'text/plain', 'x-namespace': namespace });
    response.flushHeaders();
    const since = query.get('sinceTime')?.slice(0, 19) ?? '';
    const format = ({ time, text }: Line): string =>
      query.get('timestamps') === 'true' ? `${time} ${text}\n` : `${text}\n`;
    for (const line of log.lines) if (line.time.slice(0, 19) >= since) response.write(format(line));
    if (query.get('follow') !== 'true' || log.ended) {
      response.end();
      return;
    }
    log.readers.set(response, format);
    response.on('close', () => log.readers.delete(response));
  }

  #log(pod: string, container: string): ContainerLog {
    const key = `${pod}/${container}`;
    const log = this.#logs.get(key) ?? { lines: [], ended: false, readers: new Map(), waiting: false };
    this.#logs.set(key, log);
    return log;
  }
}

function refuse(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', message, code }));
}

import { plain } from './plain.ts';
import { redact } from './redact.ts';

export type LogFormat = 'text' | 'json';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Record<string, string | number | boolean | undefined>;

/** Lines for people on stderr, or one JSON object a line for machines. Secrets are removed from both; no message commands a terminal. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** One line of somebody else's log, such as a child's step, under a prefix like `tests/unit/run`. */
  line(prefix: string, text: string): void;
}

function cleaned(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]),
  );
}

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A log that writes through `write` (default: stderr), one call a line. Levels below `level` are left out. */
export function createLog(options: {
  name: string;
  format?: LogFormat;
  level?: LogLevel;
  write?: (line: string) => void;
}): Log {
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const least = order.indexOf(options.level ?? 'info');
  const json = options.format === 'json';

  const say = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (order.indexOf(level) < least) return;
    const clean = redact(message);
    if (json) {
      write(
        `${JSON.stringify({ time: new Date().toISOString(), level, step: options.name, message: clean, ...cleaned(fields) })}\n`,
      );
      return;
    }
    const mark = level === 'info' ? '' : `${level}: `;
    write(`${options.name}: ${mark}${plain(clean)}\n`);
  };

  return {
    debug: (message, fields) => say('debug', message, fields),
    info: (message, fields) => say('info', message, fields),
    warn: (message, fields) => say('warn', message, fields),
    error: (message, fields) => say('error', message, fields),
    line(prefix, text) {
      const clean = redact(text);
      if (json)
        write(`${JSON.stringify({ time: new Date().toISOString(), level: 'log', from: prefix, message: clean })}\n`);
      else write(`[${prefix}] ${clean}\n`);
    },
  };
}

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { SubpipeError } from '../errors.ts';
import { addSecret } from '../redact.ts';
import { anonymous, basicCredential, type Credential, tokenCredential } from './credential.ts';
import { isRecord } from './manifest.ts';

/** A helper may ask a cloud's metadata service, or a person's keychain; it does not take minutes. */
const helperTimeoutMs = 60_000;

/** More than this is no answer, in bytes. */
const longest = 1024 * 1024;

/**
 * Asks `docker-credential-NAME get` (docker-credential-helpers: the server on stdin, JSON on stdout). The user
 * `<token>` means that the secret is an identity token.
 *
 * @param from said in errors: the file that names the helper.
 * @param limits.patienceMs default 60 s.
 * @throws SubpipeError `INVALID` when there is no such program, `FAILED` when it fails other than by knowing nothing, takes
 * too long or says too much. The signal's reason when aborted.
 */
export async function askHelper(
  name: string,
  server: string,
  from: string,
  env: NodeJS.ProcessEnv,
  limits: { patienceMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<Credential> {
  const { patienceMs = helperTimeoutMs, signal } = limits;
  signal?.throwIfAborted();
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name)) {
    throw new SubpipeError('INVALID', `${from} names the credential helper "${name}", which is no name of a program`);
  }
  const child = spawn(program, ['get'], { env, stdio: 'pipe' });
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new SubpipeError('INVALID', `${from} names the credential helper ${program}, which cannot be started`, {
          cause,
          hint: 'Put it on PATH, or log in without it.',
        }),
      ),
    );
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  child.stdin.on('error', () => {}); // One that ends early says why in its exit code.
  child.stdin.end(server);
  const stop = (reason: Error): void => {
    child.kill('SIGKILL');
    // What it has started itself may keep these open for longer than it lives.
    for (const stream of [child.stdout, child.stderr]) stream.destroy(reason);
  };
  const asking = `${program} get for ${server}`;
  const late = () => stop(new SubpipeError('FAILED', `${asking} gave no answer within ${patienceMs / 1000} s`));
  const limit = setTimeout(late, patienceMs);
  const abort = () => stop(new Error('aborted'));
  signal?.addEventListener('abort', abort, { once: true });
  const answer = Promise.all([textOf(child.stdout, asking), textOf(child.stderr, asking), ended])
    .catch((error: unknown) => {
      child.kill('SIGKILL');
      throw signal?.aborted === true ? signal.reason : error;
    })
    .finally(() => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', abort);
    });
  const [output, errors, code] = await answer;
  if (code === 0) return readAnswer(output, `${from}: ${program}`);
  // The protocol says that nothing is known by this sentence on stdout.
  if (/credentials not found/i.test(`${output}${errors}`)) return anonymous;
  // JSON may be an answer all the same, which has a secret.
  const words = /^\s*[{[]/.test(output) ? errors : `${output}\n${errors}`;
  const said = words.trim().split('\n')[0]?.slice(0, 200) ?? '';
  throw new SubpipeError('FAILED', `${asking} ended with ${code}: ${said || 'it said nothing'}`);
}

async function textOf(stream: Readable, asking: string): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > longest) throw new SubpipeError('FAILED', `${asking} answered with more than ${longest} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function readAnswer(output: string, from: string): Credential {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    // No cause: it quotes what was read, which may be a secret.
    throw new SubpipeError('FAILED', `${from} answered without JSON`);
  }
  if (!isRecord(value) || typeof value.Username !== 'string' || typeof value.Secret !== 'string') {
    throw new SubpipeError('FAILED', `${from} answered without Username and Secret`);
  }
  if (value.Secret === '') return anonymous;
  addSecret(value.Secret);
  return value.Username === '<token>'
    ? tokenCredential('identity', value.Secret, from)
    : basicCredential(value.Username, value.Secret, from);
}

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { SubpipeError } from '../errors.ts';
import { addSecret } from '../redact.ts';
import { anonymous, basicCredential, type Credential, tokenCredential } from './credential.ts';
import { isRecord } from './manifest.ts';

/** A helper may ask a cloud's metadata service, or a person's keychain; it does not take minutes. */
const helperTimeoutMs = 60_000;

/**
 * Asks `docker-credential-NAME get` (docker-credential-helpers: the server on stdin, JSON on stdout). The user
 * `<token>` means that the secret is an identity token.
 *
 * @param from said in errors: the file that names the helper.
 * @param patienceMs default 60 s.
 * @throws SubpipeError `INVALID` when there is no such program, `FAILED` when it fails other than by knowing nothing, or
 * takes too long.
 */
export async function askHelper(
  name: string,
  server: string,
  from: string,
  env: NodeJS.ProcessEnv,
  patienceMs = helperTimeoutMs,
): Promise<Credential> {
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
  const limit = setTimeout(() => {
    child.kill('SIGKILL');
    const late = `${program} get for ${server} gave no answer within ${patienceMs / 1000} s`;
    // What it has started itself may keep these open for longer than it lives.
    for (const stream of [child.stdout, child.stderr]) stream.destroy(new SubpipeError('FAILED', late));
  }, patienceMs);
  const answer = Promise.all([text(child.stdout), text(child.stderr), ended]).finally(() => clearTimeout(limit));
  const [output, errors, code] = await answer;
  if (code === 0) return readAnswer(output, `${from}: ${program}`);
  // The protocol says that nothing is known by this sentence on stdout.
  if (/credentials not found/i.test(`${output}${errors}`)) return anonymous;
  const said = `${output}\n${errors}`.trim().split('\n')[0]?.slice(0, 200) ?? '';
  throw new SubpipeError('FAILED', `${program} get for ${server} ended with ${code}: ${said || 'it said nothing'}`);
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

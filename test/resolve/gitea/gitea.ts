import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { request } from '../../../runtime/http.ts';
import { fieldsOf, textOf } from '../../../runtime/shape.ts';
import { makeFolder } from '../../support/folder.ts';
import type { GiteaProgram } from './build.ts';

const user = 'owner';
const password = 'password-of-a-test';

/** A Gitea of a test's own, on a free port. */
export interface Gitea extends AsyncDisposable {
  url: string;
  user: string;
  password: string;
  /** One request of its API as the administrator. @throws where the answer is not 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Makes a repository with files on `main`. */
  repository(name: string, isPrivate: boolean, files: Record<string, string>): Promise<void>;
  /** Adds a branch to it, with files beside those of `main`. */
  branch(repository: string, name: string, files: Record<string, string>): Promise<void>;
  /** A token that may read repositories and nothing else. */
  readToken(): Promise<string>;
}

/** @param host the address that it listens on: the loopback, or one that a cluster of the tests reaches */
export async function startGitea({ program, source }: GiteaProgram, host = '127.0.0.1'): Promise<Gitea> {
  const folder = await makeFolder();
  const port = await freePort(host);
  const url = `http://${host}:${port}`;
  const config = await folder.write('app.ini', configuration(folder.path, source, host, port));
  const env = { PATH: process.env.PATH, HOME: folder.path, GITEA_WORK_DIR: folder.path };
  const gitea = (...args: string[]) => promisify(execFile)(program, ['--config', config, ...args], { env });
  await gitea('migrate');
  const account = ['--username', user, '--password', password, '--email', 'owner@example.com'];
  await gitea('admin', 'user', 'create', '--admin', '--must-change-password=false', ...account);
  const web = spawn(program, ['--config', config, 'web'], { env, stdio: 'ignore' });

  const api: Gitea['api'] = async (method, at, body) => {
    const response = await request({
      method,
      url: `${url}/api/v1${at}`,
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${user}:${password}`)}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status < 200 || response.status > 299) throw new Error(`${method} ${at}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const write = async (repository: string, branch: object, files: Record<string, string>) => {
    const changes = Object.entries(files).map(([file, text]) => ({
      operation: 'create',
      path: file,
      content: Buffer.from(text).toString('base64'),
    }));
    await api('POST', `/repos/${user}/${repository}/contents`, { ...branch, files: changes, message: 'files' });
  };

  try {
    await up(url, web);
  } catch (error) {
    await stop(web);
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  return {
    url,
    user,
    password,
    api,
    async repository(name, isPrivate, files) {
      await api('POST', '/user/repos', { name, private: isPrivate, auto_init: true, default_branch: 'main' });
      await write(name, { branch: 'main' }, files);
    },
    branch: (repository, name, files) => write(repository, { branch: 'main', new_branch: name }, files),
    async readToken() {
      const made = await api('POST', `/users/${user}/tokens`, { name: `t${Date.now()}`, scopes: ['read:repository'] });
      return textOf(fieldsOf(made, 'the token').sha1, 'its sha1');
    },
    async [Symbol.asyncDispose]() {
      await stop(web);
      await folder[Symbol.asyncDispose]();
    },
  };
}

function configuration(folder: string, source: string, host: string, port: number): string {
  return `I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
RUN_USER = ${userInfo().username}
RUN_MODE = prod
[server]
HTTP_ADDR = ${host}
HTTP_PORT = ${port}
ROOT_URL = http://${host}:${port}/
STATIC_ROOT_PATH = ${source}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${path.join(folder, 'gitea.db')}
[repository]
ROOT = ${path.join(folder, 'repositories')}
[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-test
[actions]
ENABLED = false
[log]
LEVEL = Error
`;
}

async function up(url: string, web: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (web.exitCode !== null) throw new Error(`gitea ended with ${web.exitCode}`);
    const answer = await request({ url: `${url}/api/v1/version`, retry: false }).catch(() => undefined);
    answer?.body.resume();
    if (answer?.status === 200) return;
    await sleep(200);
  }
  throw new Error('gitea does not answer');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

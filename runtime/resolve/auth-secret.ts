import { invalid } from '../errors.ts';
import { addSecret } from '../redact.ts';
import type { Fields } from '../shape.ts';
import { group } from './annotations.ts';
import { labelValue } from './name.ts';

/** Whether a text mounts the Secret that Pipelines-as-Code makes for git. */
export function wantsAuthSecret(text: string): boolean {
  return /secretName:[ \t]*["']?\{\{\s*git_auth_secret\s*\}\}/.test(text);
}

/** A name as Pipelines-as-Code gives to it: another each time. */
export async function authSecretName(): Promise<string> {
  const { randomInt } = await import('node:crypto');
  const letters = Array.from({ length: 6 }, () => String.fromCharCode(97 + randomInt(26)));
  return `pac-gitauth-${letters.join('')}`;
}

/**
 * The Secret with which the Task git-clone reads a private repository (Pipelines-as-Code, guide/privaterepo).
 * @throws SubpipeError `INVALID` where the repository's URL is none.
 */
export function authSecret(
  name: string,
  token: string,
  { url, revision, owner, repository }: { url: string; revision: string; owner: string; repository: string },
): Fields {
  addSecret(token);
  if (!URL.canParse(url)) {
    throw invalid(`the Secret for git_auth_secret needs a repository's URL, but it is ${JSON.stringify(url)}`, {
      hint: 'Give it with -p repo_url=https://HOST/owner/name, or leave the Secret out with --no-secret.',
    });
  }
  const { protocol, host, pathname } = new URL(url);
  const quoted = encodeURIComponent(token)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, hex);
  addSecret(quoted);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      labels: {
        'app.kubernetes.io/managed-by': group,
        [`${group}/url-org`]: labelValue(owner),
        [`${group}/url-repository`]: labelValue(repository),
      },
      annotations: {
        [`${group}/url`]: url,
        [`${group}/sha`]: revision,
        [`${group}/url-org`]: owner,
        [`${group}/url-repository`]: repository,
      },
    },
    stringData: {
      '.gitconfig': `\n\t[credential "${protocol}//${host}"]\n\thelper=store\n\t`,
      '.git-credentials': `${protocol}//git:${quoted}@${host}${pathname}`,
      'git-provider-token': quoted,
    },
  };
}

function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

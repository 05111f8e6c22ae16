import type { ForgeKind } from './forge-kind.ts';

/**
 * The header that carries a token to a forge's API. `USER:PASSWORD` is Basic authentication with every forge (Bitbucket's app
 * passwords); else each forge's own way.
 */
export function tokenHeaders(kind: ForgeKind, token: string | undefined): Record<string, string> {
  if (token === undefined || token === '') return {};
  if (token.includes(':')) return { authorization: `Basic ${Buffer.from(token).toString('base64')}` };
  switch (kind) {
    case 'github':
    case 'bitbucket-cloud':
    case 'bitbucket-data-center':
      return { authorization: `Bearer ${token}` };
    case 'gitea':
      return { authorization: `token ${token}` };
    case 'gitlab':
      // A job's token, an OAuth token (64 hex digits), or one of a person, project or group.
      if (token.startsWith('glcbt-')) return { 'job-token': token };
      return /^[0-9a-f]{64}$/.test(token) ? { authorization: `Bearer ${token}` } : { 'private-token': token };
    default:
      return kind satisfies never;
  }
}

/** The user that git over HTTP expects beside the token. */
export function gitUser(kind: ForgeKind | undefined): string {
  switch (kind) {
    case 'github':
      return 'x-access-token';
    case 'bitbucket-cloud':
    case 'bitbucket-data-center':
      return 'x-token-auth';
    case 'gitlab':
    case 'gitea':
    case undefined:
      return 'oauth2';
    default:
      return kind satisfies never;
  }
}

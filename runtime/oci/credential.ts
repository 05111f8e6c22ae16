import { addSecret } from '../redact.ts';

/**
 * What proves who we are to a registry. `from` says where it was found, for people.
 *
 * - `basic`: a user's name and password, or a robot's.
 * - `identity`: an OAuth2 refresh token, which a token server changes for access tokens.
 * - `bearer`: a token that the registry takes as it is.
 */
export type Credential =
  | { kind: 'anonymous' }
  | { kind: 'basic'; username: string; password: string; from?: string }
  | { kind: 'identity'; token: string; from?: string }
  | { kind: 'bearer'; token: string; from?: string };

/** Gives the credential for a repository. */
export type Credentials = (
  registry: string,
  repository: string,
  signal?: AbortSignal,
) => Credential | Promise<Credential>;

export const anonymous: Credential = { kind: 'anonymous' };

/** A user and a password. From here on no log and no error shows the password, also not as it goes over the wire. */
export function basicCredential(username: string, password: string, from: string): Credential {
  addSecret(password);
  addSecret(basicValue(username, password));
  return { kind: 'basic', username, password, from };
}

/** An identity token or a registry's own token. */
export function tokenCredential(kind: 'identity' | 'bearer', token: string, from: string): Credential {
  addSecret(token);
  return { kind, token, from };
}

/** base64 of USER:PASSWORD (RFC 7617). */
export function basicValue(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** `user "me" (config.json: auths["ghcr.io"])`, for errors. */
export function describeCredential(credential: Credential): string {
  const from = 'from' in credential && credential.from !== undefined ? ` (${credential.from})` : '';
  switch (credential.kind) {
    case 'anonymous':
      return 'anonymous access';
    case 'basic':
      return `user "${credential.username}"${from}`;
    case 'identity':
      return `the identity token${from}`;
    case 'bearer':
      return `the registry token${from}`;
    default:
      return credential satisfies never;
  }
}

import { hasCode, invalid } from '../../errors.ts';
import { isFields } from '../../shape.ts';
import type { Downloader } from './download.ts';
import { type ForgeKind, forgeKinds } from './forge-kind.ts';

const questions: readonly { kind: ForgeKind; path: string; field: string }[] = [
  { kind: 'gitea', path: '/api/v1/version', field: 'version' },
  { kind: 'github', path: '/api/v3/meta', field: 'installed_version' },
  { kind: 'bitbucket-data-center', path: '/rest/api/1.0/application-properties', field: 'buildNumber' },
  // Last, as GitLab tells its version only to those who have logged in.
  { kind: 'gitlab', path: '/api/v4/version', field: 'version' },
];

/**
 * Asks a host what kind of forge it is, by the addresses that only one kind has. No token is sent.
 *
 * @throws SubpipeError `INVALID` where it is none that is known, `UNAVAILABLE` where nobody answers.
 */
export async function probeForge(web: URL, downloader: Downloader, signal?: AbortSignal): Promise<ForgeKind> {
  const base = `${web.origin}${web.pathname.replace(/\/$/, '')}`;
  await downloader.check(web);
  for (const { kind, path, field } of questions) {
    try {
      const answer = await downloader.get({ url: `${base}${path}`, signal });
      if (answer.kind === 'new' && hasField(answer.text, field)) return kind;
    } catch (error) {
      if (hasCode(error, 'UNAVAILABLE')) throw error;
      if (hasCode(error, 'FORBIDDEN') && kind === 'gitlab') return kind;
      // A page for people, a 404: not this one.
      if (
        !(
          hasCode(error, 'NOT_FOUND') ||
          hasCode(error, 'FORBIDDEN') ||
          hasCode(error, 'INVALID') ||
          hasCode(error, 'FAILED')
        )
      )
        throw error;
    }
    signal?.throwIfAborted();
  }
  throw invalid(`${web.host} is no forge that is known here: expected one of ${forgeKinds.join(', ')}`, {
    hint: 'Say which one it is, or resolve a checkout.',
  });
}

function hasField(text: string, field: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) && value[field] !== undefined;
  } catch {
    return false;
  }
}

import { SubpipeError } from '../../errors.ts';
import { addSecret } from '../../redact.ts';
import type { Reference } from '../reference.ts';
import type { Downloader } from './download.ts';
import { isCommit } from './forge.ts';
import type { ForgeClient } from './forge-client.ts';
import { kindOfHost } from './forge-kind.ts';
import { type ForgeUrl, parseForgeUrl } from './forge-url.ts';
import { folderOf, inside } from './inside.ts';
import type { Origin } from './origin.ts';
import { publicUrl, safeDecode } from './public-url.ts';

/** The forge of `repo_url`, to which the token belongs. */
export interface HomeForge {
  web: URL;
  /** What kind it is, where its name or a flag says so. */
  kind: ForgeUrl['kind'] | undefined;
  hasToken: boolean;
  client(kind: ForgeUrl['kind']): ForgeClient;
}

/**
 * A file at an address. A blob or raw URL of the home forge is read through its API where there is a token; blob URLs of any forge
 * are read as the raw file that they show.
 */
export function webOrigin(address: string, home: HomeForge | undefined, downloader: Downloader): Origin {
  const url = parse(address);
  const from = publicUrl(url);
  const forge = forgeUrlOf(url, home);
  const hint = forge?.ambiguousRef === undefined ? undefined : slashHint(forge.ambiguousRef);
  if (forge !== undefined && home?.hasToken === true && isHome(url, home)) {
    return home.client(forge.kind).file(forge, from, hint);
  }
  const target = new URL(forge?.raw ?? url);
  const headers = credentialsOf(url);
  target.username = '';
  target.password = '';
  return {
    from,
    immutable: isCommit(forge?.ref),
    asked: publicUrl(target),
    async read(known, signal) {
      const advice = [hint, forge === undefined ? undefined : privateHint(url, home)].filter(
        (part) => part !== undefined,
      );
      const answer = await downloader.get({
        url: target,
        headers,
        known,
        signal,
        title: from,
        hint: advice.join(' ') || undefined,
      });
      return answer.kind === 'same' ? answer : { kind: 'text', text: answer.text, validators: answer.validators };
    },
  };
}

/** What a path in the file at an address means. @throws SubpipeError `INVALID` where it leaves the repository. */
export function besideUrl(address: string, path: string, home: HomeForge | undefined): Reference {
  const url = parse(address);
  const forge = forgeUrlOf(url, home);
  if (forge !== undefined) return { kind: 'url', url: forge.at(inside(path, folderOf(forge.path))) };
  return { kind: 'url', url: new URL(path.replace(/^\/*/, './'), url).href };
}

function forgeUrlOf(url: URL, home: HomeForge | undefined): ForgeUrl | undefined {
  if (home !== undefined && isHome(url, home)) return parseForgeUrl(url, home.kind);
  const forge = parseForgeUrl(url);
  // "/a/b/raw/c/d" on a host that nobody knows is too little to call it a GitHub.
  return forge?.kind === 'github' && kindOfHost(url.hostname) === undefined ? undefined : forge;
}

/** Whether the token may be used for an address: same host (or GitHub's host for raw files), and not in the clear for an https forge. */
function isHome(url: URL, home: HomeForge): boolean {
  if (home.web.protocol === 'https:' && url.protocol !== 'https:') return false;
  const host = home.web.host.replace(/^www\./, '');
  if (url.host.replace(/^www\./, '') === host || url.host === `raw.${host}`) return true;
  return host === 'github.com' && url.host === 'raw.githubusercontent.com';
}

function parse(address: string): URL {
  const url = URL.parse(address);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new SubpipeError('INVALID', `"${address}" is no address: expected one like https://example.com/task.yaml`);
}

function credentialsOf(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const [user, password] = [safeDecode(url.username), safeDecode(url.password)];
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  for (const secret of [password, basic]) addSecret(secret);
  return { authorization: `Basic ${basic}` };
}

function slashHint(ref: string): string {
  return `"${ref}" was taken for the branch: where the branch's name goes on after the "/", write each "/" in it as %2F.`;
}

function privateHint(url: URL, home: HomeForge | undefined): string | undefined {
  if (home !== undefined && isHome(url, home)) {
    return `Where the repository is private, give a token for ${home.web.host} (-t or PAC_PROVIDER_TOKEN).`;
  }
  return home?.hasToken === true ? `The token is for ${home.web.host}, so it is not sent to ${url.host}.` : undefined;
}

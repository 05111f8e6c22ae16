import { hasCode, invalid, SubpipeError } from '../../errors.ts';
import type { Wanted } from '../reference.ts';
import { fieldOf, objectOf } from './answer.ts';
import type { Catalog } from './catalog.ts';
import type { Downloaded, Downloader, Validators } from './download.ts';
import type { Origin } from './origin.ts';
import { publicUrl } from './public-url.ts';

interface Asked {
  catalog: Catalog;
  name: string;
  /** Without one the newest is read. */
  version: string | undefined;
  wanted: Wanted;
}

/**
 * A catalogue's entry. Artifact Hub: `/api/v1/packages/tekton-KIND/CATALOGUE/NAME[/VERSION]`, `data.manifestRaw`, where versions have
 * three numbers (0.1 is 0.1.0 there). Tekton Hub: `/resource/CATALOGUE/KIND/NAME[/VERSION]` and `/raw`.
 */
export function hubOrigin(asked: Asked, downloader: Downloader): Origin {
  for (const part of [asked.name, asked.version ?? '0']) {
    if (/^[\w][\w.+-]*$/.test(part)) continue;
    throw invalid(
      `"${part}" is no name or version of a catalogue's entry: expected one like "git-clone" or "git-clone:0.9"`,
    );
  }
  return asked.catalog.type === 'artifacthub' ? artifactHub(asked, downloader) : tektonHub(asked, downloader);
}

function artifactHub({ catalog, name, version, wanted }: Asked, downloader: Downloader): Origin {
  const api = catalog.url.endsWith('/api/v1') ? catalog.url : `${catalog.url}/api/v1`;
  const id = catalog.id ?? `tekton-catalog-${wanted}s`;
  const entry = `${api}/packages/tekton-${wanted}/${encodeURIComponent(id)}/${encodeURIComponent(name)}`;
  const normal = version === undefined ? undefined : threeNumbers(version);
  const address = normal === undefined ? entry : `${entry}/${encodeURIComponent(normal)}`;
  return {
    from: publicUrl(address),
    immutable: version !== undefined,
    async read(known, signal) {
      const get = (url: string) => ask(downloader, url, known, signal, missing(catalog, name, version, wanted));
      const answer = await get(address).catch((error: unknown) => {
        // A hub that keeps versions as they were written.
        if (version !== normal && version !== undefined && hasCode(error, 'NOT_FOUND')) {
          return get(`${entry}/${encodeURIComponent(version)}`);
        }
        throw error;
      });
      if (answer.kind === 'same') return answer;
      const data = objectOf(jsonOf(answer.text, address), address).data;
      const text = fieldOf(objectOf(data, address), 'manifestRaw', address);
      return { kind: 'text', text, validators: answer.validators };
    },
  };
}

function tektonHub({ catalog, name, version, wanted }: Asked, downloader: Downloader): Origin {
  const id = catalog.id ?? 'tekton';
  const entry = `${catalog.url}/resource/${encodeURIComponent(id)}/${wanted}/${encodeURIComponent(name)}`;
  const raw = (of: string) => `${entry}/${encodeURIComponent(of)}/raw`;
  const lost = missing(catalog, name, version, wanted);
  return {
    from: publicUrl(version === undefined ? entry : raw(version)),
    immutable: version !== undefined,
    async read(known, signal) {
      if (version !== undefined) return asText(await ask(downloader, raw(version), known, signal, lost));
      const answer = await ask(downloader, entry, known, signal, lost);
      if (answer.kind === 'same') return answer;
      const data = objectOf(objectOf(jsonOf(answer.text, entry), entry).data, entry);
      const newest = fieldOf(objectOf(data.latestVersion, entry), 'version', entry);
      const text = await ask(downloader, raw(newest), undefined, signal, lost);
      if (text.kind === 'same')
        throw new SubpipeError('FAILED', `${raw(newest)} answered "not modified" to a first request`);
      return { kind: 'text', text: text.text, validators: answer.validators };
    },
  };
}

async function ask(
  downloader: Downloader,
  url: string,
  known: Validators | undefined,
  signal: AbortSignal | undefined,
  lost: string,
): Promise<Downloaded> {
  try {
    return await downloader.get({ url, known, signal, headers: { accept: 'application/json, application/yaml, */*' } });
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    throw new SubpipeError('NOT_FOUND', lost, { cause: error });
  }
}

function asText(answer: Downloaded) {
  return answer.kind === 'same' ? answer : { kind: 'text' as const, text: answer.text, validators: answer.validators };
}

function missing(catalog: Catalog, name: string, version: string | undefined, wanted: Wanted): string {
  const which = version === undefined ? '' : ` in version ${version}`;
  return `the catalogue "${catalog.name}" (${publicUrl(catalog.url)}) has no ${wanted} "${name}"${which}`;
}

/** 1 → 1.0.0, 0.1 → 0.1.0; others as they are. */
function threeNumbers(version: string): string {
  const [, major, minor] = /^(\d+)(?:\.(\d+))?$/.exec(version) ?? [];
  return major === undefined ? version : `${major}.${minor ?? '0'}.0`;
}

function jsonOf(text: string, who: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SubpipeError('FAILED', `${who} answered with no JSON`, { cause });
  }
}

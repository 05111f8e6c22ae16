import { invalid } from '../../errors.ts';

export type CatalogType = 'artifacthub' | 'tektonhub';

/** A hub's catalogue that annotations name: `NAME://task`, or `task` alone for `default`. */
export interface Catalog {
  name: string;
  /** Of the hub: `https://artifacthub.io`, or `https://hub.example.com/v1`. */
  url: string;
  type: CatalogType;
  /** The catalogue's name within the hub. Default: Tekton's own catalogue of the kind that is looked for. */
  id: string | undefined;
}

export const defaultCatalog: Catalog = {
  name: 'default',
  url: 'https://artifacthub.io',
  type: 'artifacthub',
  id: undefined,
};

/** A flag's value: `NAME=URL[,type=artifacthub|tektonhub][,id=CATALOGUE]`. @throws SubpipeError `INVALID`. */
export function parseCatalog(text: string): Catalog {
  const bad = (what: string) =>
    invalid(`the catalogue "${text}" ${what}: expected NAME=URL[,type=artifacthub|tektonhub][,id=NAME-IN-THE-HUB]`);
  const equals = text.indexOf('=');
  if (equals < 1) throw bad('has no URL');
  const [url = '', ...settings] = text.slice(equals + 1).split(',');
  const values = new Map<string, string>();
  for (const setting of settings) {
    const [key = '', value] = setting.split(/=(.*)/s, 2);
    if (value === undefined || value === '' || !['type', 'id'].includes(key) || values.has(key))
      throw bad(`has "${setting}"`);
    values.set(key, value);
  }
  return catalogOf(text.slice(0, equals), url, values.get('type'), values.get('id'), bad);
}

/**
 * The catalogues of Pipelines-as-Code's ConfigMap: `hub-url`, `hub-catalog-name` and `hub-catalog-type` for `default`, and
 * `catalog-N-id`, `catalog-N-name`, `catalog-N-url` and `catalog-N-type` for more
 * (docs/content/docs/install/settings.md).
 *
 * @throws SubpipeError `INVALID` that names the key.
 */
export function catalogsOf(data: Readonly<Record<string, string>>): Catalog[] {
  const text = (key: string): string | undefined =>
    data[key] === undefined || data[key] === '' ? undefined : data[key];
  const catalogs: Catalog[] = [];
  const hub = text('hub-url');
  if (hub !== undefined) {
    const bad = (what: string) => invalid(`hub-url of the ConfigMap ${what}: expected the address of a hub`);
    catalogs.push(catalogOf('default', hub, text('hub-catalog-type'), text('hub-catalog-name'), bad));
  }
  const numbers = new Set(Object.keys(data).flatMap((key) => /^catalog-(\d+)-/.exec(key)?.[1] ?? []));
  for (const number of [...numbers].sort((a, b) => Number(a) - Number(b))) {
    const key = (name: string) => `catalog-${number}-${name}`;
    const bad = (what: string) => invalid(`the catalogue ${number} of the ConfigMap ${what}`);
    const [id, name, url] = ['id', 'name', 'url'].map((field) => text(key(field)));
    if (id === undefined || name === undefined || url === undefined)
      throw bad(`needs ${key('id')}, ${key('name')} and ${key('url')}`);
    catalogs.push(catalogOf(id, url, text(key('type')), name, bad));
  }
  return catalogs;
}

/** Catalogues by name: `default` is Artifact Hub unless it is given; of two with a name the last one counts. */
export function catalogMap(catalogs: readonly Catalog[]): ReadonlyMap<string, Catalog> {
  return new Map([defaultCatalog, ...catalogs].map((catalog) => [catalog.name, catalog]));
}

function catalogOf(
  name: string,
  url: string,
  type: string | undefined,
  id: string | undefined,
  bad: (what: string) => Error,
): Catalog {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name) || name === 'http' || name === 'https') throw bad(`has the name "${name}"`);
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) throw bad(`has the URL "${url}"`);
  if (type !== undefined && type !== 'artifacthub' && type !== 'tektonhub') throw bad(`has the type "${type}"`);
  return { name, url: url.replace(/\/+$/, ''), type: type ?? 'artifacthub', id: id === 'default' ? undefined : id };
}

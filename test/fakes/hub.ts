import { type HttpServer, serve } from '../support/http-server.ts';

/** Texts by `KIND/CATALOGUE/NAME/VERSION`; the last version of a name is its newest. */
export type HubContent = Readonly<Record<string, string>>;

/** Artifact Hub's package API (docs/api/openapi.yaml of artifacthub/hub: /packages/tekton-KIND/REPOSITORY/NAME[/VERSION]). */
export async function startArtifactHub(content: HubContent): Promise<HttpServer> {
  return await serve((request, response) => {
    const path = /^\/api\/v1\/packages\/tekton-(task|pipeline|stepaction)\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(
      request.url ?? '',
    );
    const found = path === null ? undefined : find(content, path[1], path[2], path[3], path[4]);
    if (found === undefined)
      return void response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"not found"}');
    const available = versions(content, path?.[1], path?.[2], path?.[3]).map((version) => ({ version }));
    const body = {
      name: path?.[3],
      version: found.version,
      available_versions: available,
      data: { manifestRaw: found.text },
    };
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' })
      .end(JSON.stringify(body));
  });
}

/** Tekton Hub's API, version 1: /resource/CATALOGUE/KIND/NAME, and /VERSION and /raw below it. */
export async function startTektonHub(content: HubContent): Promise<HttpServer> {
  return await serve((request, response) => {
    const path = /^\/v1\/resource\/([^/]+)\/(task|pipeline)\/([^/]+)(?:\/([^/]+)(\/raw)?)?$/.exec(request.url ?? '');
    const found = path === null ? undefined : find(content, path[2], path[1], path[3], path[4]);
    if (found === undefined)
      return void response.writeHead(404, { 'content-type': 'application/json' }).end('{"name":"not-found"}');
    if (path?.[5] === '/raw')
      return void response.writeHead(200, { 'content-type': 'application/yaml' }).end(found.text);
    const body =
      path?.[4] === undefined
        ? { data: { latestVersion: { version: found.version } } }
        : { data: { version: found.version } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
}

function versions(content: HubContent, kind = '', catalog = '', name = ''): string[] {
  const prefix = `${kind}/${catalog}/${name}/`;
  return Object.keys(content).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
}

function find(content: HubContent, kind?: string, catalog?: string, name?: string, version?: string) {
  const wanted = version ?? versions(content, kind, catalog, name).at(-1);
  const text = content[`${kind}/${catalog}/${name}/${wanted}`];
  return text === undefined || wanted === undefined ? undefined : { version: wanted, text };
}

// Writes published.json: what the forges publish of their APIs, as far as the fakes of them go. It is taken from packages that are made
// of the providers' OpenAPI documents (of GitLab: from its own client), which are too large to depend on. Needs npm and Go:
// node test/fakes/openapi/main.ts
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fieldsOf, textOf } from '../../../runtime/shape.ts';
import { type Folder, makeFolder } from '../../support/folder.ts';
import { readGoClient } from './go-client.ts';
import { readTypes } from './types.ts';

const bitbucket = '@coderabbitai/bitbucket@1.1.4';
const packages = [
  {
    forge: 'github',
    from: '@octokit/openapi-types@29.0.1',
    file: 'types.d.ts',
    base: '/api/v3',
    paths: /^\/repos\/\{owner\}\/\{repo\}\/(contents|commits|git\/trees|git\/blobs)\/\{\w+\}$|^\/meta$/,
  },
  {
    forge: 'bitbucket-cloud',
    from: bitbucket,
    file: 'dist/cloud/openapi/openapi-typescript.d.ts',
    base: '/2.0',
    paths: /^\/repositories\/\{workspace\}\/\{repo_slug\}(\/commits|\/src\/\{commit\}\/\{path\})?$/,
  },
  {
    forge: 'bitbucket-data-center',
    from: bitbucket,
    file: 'dist/server/openapi/openapi-typescript.d.ts',
    // The document says "latest", which stands for 1.0.
    base: '/rest/api/1.0',
    prefix: '/api/latest',
    paths: /^\/projects\/\{\w+\}\/repos\/\{\w+\}\/(raw\/\{path\}|files\/\{path\}|commits)$|^\/application-properties$/,
  },
] as const;

const gitlab = { module: 'gitlab.com/gitlab-org/api/client-go', version: 'v0.145.0' };
const gitlabFiles = ['repositories.go', 'repository_files.go', 'commits.go', 'version.go'];

await using folder = await makeFolder();
const found: Record<string, object> = {};
for (const { forge, from, file, base, paths, ...more } of packages) {
  const text = readFileSync(path.join(unpacked(from, folder), file), 'utf8');
  found[forge] = { from, base, paths: readTypes(text, paths, 'prefix' in more ? more.prefix : '') };
}
const downloaded = execFileSync('go', ['mod', 'download', '-json', `${gitlab.module}@${gitlab.version}`]).toString();
const source = textOf(fieldsOf(JSON.parse(downloaded), 'what go downloaded').Dir, 'its folder');
const texts = [...gitlabFiles, 'gitlab.go'].map((file) => readFileSync(path.join(source, file), 'utf8'));
found.gitlab = { from: `${gitlab.module}@${gitlab.version}`, base: '/api/v4', paths: readGoClient(texts.join('\n')) };
writeFileSync(path.join(import.meta.dirname, 'published.json'), `${JSON.stringify(found, null, 2)}\n`);

/** The folder of an npm package. */
function unpacked(name: string, { path: cwd }: Folder): string {
  const archive = execFileSync('npm', ['pack', '--silent', name], { cwd }).toString().trim().split('\n').at(-1) ?? '';
  execFileSync('tar', ['-xzf', archive], { cwd });
  return path.join(cwd, 'package');
}

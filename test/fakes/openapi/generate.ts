// Writes paths.json: the API paths that GitHub and Bitbucket Cloud publish, as far as the fakes of them go. They are taken from packages
// generated from the providers' OpenAPI documents, which are too large to depend on: `node test/fakes/openapi/generate.ts`.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../support/folder.ts';

const packages = [
  {
    forge: 'github',
    name: '@octokit/openapi-types@29.0.1',
    file: 'types.d.ts',
    paths: /"(\/repos\/\{owner\}\/\{repo\}\/(?:contents|commits|git\/trees|git\/blobs)(?:\/\{\w+\})?)"/g,
  },
  {
    forge: 'bitbucket-cloud',
    name: 'bitbucket@2.12.0',
    file: 'lib/index.js',
    paths: /"(\/repositories\/\{workspace\}\/\{repo_slug\}(?:\/commits|\/src\/\{commit\}\/\{path\})?)"/g,
  },
];

await using folder = await makeFolder();
const found: Record<string, { from: string; paths: string[] }> = {};
for (const { forge, name, file, paths } of packages) {
  const archive =
    execFileSync('npm', ['pack', '--silent', name], { cwd: folder.path }).toString().trim().split('\n').at(-1) ?? '';
  execFileSync('tar', ['-xzf', archive], { cwd: folder.path });
  const text = readFileSync(path.join(folder.path, 'package', file), 'utf8');
  found[forge] = { from: name, paths: [...new Set([...text.matchAll(paths)].map((match) => match[1] ?? ''))].sort() };
}
writeFileSync(path.join(import.meta.dirname, 'paths.json'), `${JSON.stringify(found, null, 2)}\n`);

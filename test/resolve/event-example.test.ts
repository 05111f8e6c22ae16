import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventVariables } from '../../runtime/resolve/event/custom-params.ts';
import { eventFromFlags } from '../../runtime/resolve/event/event-flags.ts';
import { eventFromPayload } from '../../runtime/resolve/event/payload.ts';
import { parseRepository } from '../../runtime/resolve/event/repository-resource.ts';
import { select, selected } from '../../runtime/resolve/event/select.ts';
import { substitute } from '../../runtime/resolve/event/substitute.ts';
import type { RepositoryEvent } from '../../runtime/resolve/event.ts';
import { fieldsOf, isFields, textMapOf } from '../../runtime/shape.ts';
import { parseYamlAll } from '../../runtime/yaml.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/pac-repo');
const texts = readdirSync(join(example, '.tekton'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.ya?ml$/.test(name))
  .sort()
  .map((name) => ({ name, text: readFileSync(join(example, '.tekton', name), 'utf8') }));

async function runs() {
  const objects = (await Promise.all(texts.map(({ name, text }) => parseYamlAll(text, name)))).flat().filter(isFields);
  return objects
    .filter(({ kind }) => kind === 'PipelineRun')
    .map((object) => {
      const metadata = fieldsOf(object.metadata, 'metadata');
      return { name: String(metadata.name), annotations: textMapOf(metadata.annotations ?? {}, 'annotations') };
    });
}

const starts = async (event: RepositoryEvent) => selected(await select(await runs(), event)).map(({ name }) => name);
const pull = { event: 'pull_request', sourceBranch: 'feature' };

for (const [what, flags, wanted] of [
  ['a pull request with code', { ...pull, targetBranch: 'main', changedFiles: ['src/app.py'] }, ['pull-request']],
  ['a pull request with documentation', { ...pull, targetBranch: 'main', changedFiles: ['docs/a.md'] }, ['docs']],
  [
    'a pull request to a release',
    { ...pull, targetBranch: 'release-1', changedFiles: ['src/app.py'] },
    ['pull-request'],
  ],
  ['a pull request to elsewhere', { ...pull, targetBranch: 'dev', changedFiles: ['src/app.py'] }, []],
  ['a push to main', { event: 'push', targetBranch: 'main' }, ['push']],
  ['a push to elsewhere', { event: 'push', targetBranch: 'dev' }, []],
  ['a pushed tag', { event: 'tag', tag: 'v1.2' }, ['tag']],
  ['another tag', { event: 'tag', tag: 'nightly' }, []],
] as const) {
  test(`examples/pac-repo: ${what} starts ${wanted.join(', ') || 'nothing'}`, async () => {
    assert.deepEqual(await starts(eventFromFlags(flags)), wanted);
  });
}

test('examples/pac-repo: a webhook fills in all variables', async () => {
  const repository = await parseRepository(readFileSync(join(example, 'repository.yaml'), 'utf8'), 'repository.yaml');
  const repo = { name: 'pac-repo', html_url: 'https://git.example.com/acme/pac-repo', owner: { login: 'acme' } };
  const payload = {
    action: 'opened',
    repository: repo,
    pull_request: {
      number: 1,
      title: 'A title',
      user: { login: 'ada' },
      head: { sha: 'abc', ref: 'feature', repo },
      base: { ref: 'main', repo },
    },
  };
  const event = eventFromPayload(JSON.stringify(payload), { 'X-GitHub-Event': 'pull_request' }, 'payload.json');
  const { variables, warnings } = await eventVariables(event, repository);
  assert.deepEqual(warnings, []);
  assert.equal(variables.company, 'ACME');
  for (const { name, text } of texts) {
    const { unknown } = await substitute(text, {
      variables,
      body: event.body,
      headers: event.headers,
      files: event.changed,
    });
    assert.deepEqual(unknown, [], name);
  }
});

test('examples/pac-repo: its copy of the Task subpipe is the Task subpipe', () => {
  assert.equal(
    readFileSync(join(example, 'ci/subpipe.yaml'), 'utf8'),
    readFileSync(join(root, 'tasks/subpipe/subpipe.yaml'), 'utf8'),
  );
});

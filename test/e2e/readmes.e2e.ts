import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type KubeObject, pipelineRuns, type Resource } from '../../runtime/kube/resource.ts';
import { isFields } from '../../runtime/shape.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { formatYaml, parseYamlAll } from '../../runtime/yaml.ts';
import { filesNamed, root, yamlBlocksOf } from '../support/markdown.ts';
import { execute } from './support/command.ts';
import { context, kube } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { ended, verdict } from './support/runs.ts';
import { createdRuns, withImages } from './support/user.ts';

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

const samples = (await filesNamed('.yaml', 'tasks')).filter((file) => path.dirname(file).endsWith('/samples'));
const readmes = (await filesNamed('.md')).filter((file) => /^(tasks\/[^/]+\/)?README\.md$/.test(file));

describe('a sample', { concurrency: 3 }, () => {
  for (const file of samples) {
    it(`runs with kubectl create -f ${file}`, async (t) => {
      const user = await newUser(t, path.basename(file, '.yaml'));
      const runs = await user.create(await readFile(path.join(root, file), 'utf8'), file);
      assert.notEqual(runs.length, 0, 'it has a PipelineRun');
      await user.assertSucceeded(runs);
      if (path.dirname(file).startsWith('tasks/subpipe')) {
        assert.notEqual((await user.called()).length, 0, 'it calls a Pipeline');
      }
    });
  }
});

/** The blocks of one README build on each other, as they do for who reads it from top to bottom. */
describe('the YAML of a README', { concurrency: 3 }, () => {
  for (const file of readmes) {
    it(`runs as it stands in ${file}`, async (t) => {
      const user = await newUser(t, 'readme');
      const runs: string[] = [];
      for (const { text, where, notRun } of await yamlBlocksOf(file)) {
        const documents = await parseYamlAll(text, where);
        const complete = documents.every((one) => isFields(one) && typeof one.kind === 'string');
        if (complete && notRun === undefined) runs.push(...(await user.create(text, where)));
      }
      await user.assertSucceeded(runs);
    });
  }
});

/** Somebody with kubectl and a namespace of their own, in which our Tasks are installed. */
async function newUser(t: TestContext, label: string) {
  const namespace = await testNamespace(t, label.slice(0, 30));
  const folder = await mkdtemp(path.join(tmpdir(), 'subpipe-readmes-'));
  t.after(() => rm(folder, { recursive: true }));
  const env = { KUBECONFIG: path.join(folder, 'kubeconfig') };
  await cp(context.kubeconfig, env.KUBECONFIG);
  const kubectl = async (argv: string[], where: string, input?: string): Promise<string> => {
    const { code, stdout, stderr } = await execute('kubectl', argv, { env, input });
    assert.equal(code, 0, `${where}: ${stderr}`);
    return stdout;
  };
  await kubectl(['config', 'set-context', '--current', `--namespace=${namespace}`], 'kubeconfig');
  const places = [namespace];

  /** Creates what a file or block holds, and gives the names of its PipelineRuns. */
  async function create(text: string, where: string): Promise<string[]> {
    const documents = (await parseYamlAll(withImages(text), where)) as KubeObject[];
    const renamed = new Map<string, string>();
    for (const { metadata } of documents.filter((one) => (one as { kind?: string }).kind === 'Namespace')) {
      const name = `e2e-${randomBytes(3).toString('hex')}-${metadata.name}`;
      renamed.set(metadata.name, name);
      places.push(name);
      t.after(() => kube.delete(namespaces, '', name));
    }
    const own = documents.map((document) => inNamespaces(withRegistry(document), namespace, renamed));
    const input = (await Promise.all(own.map(formatYaml))).join('---\n');
    const said = await kubectl(['create', '-f', '-'], where, input);
    return createdRuns(said);
  }

  async function assertSucceeded(runs: readonly string[]): Promise<void> {
    for (const done of await Promise.all(runs.map((name) => ended(namespace, name)))) {
      const why = done.status?.conditions?.[0]?.message;
      assert.match(verdict(done), /^True (Succeeded|Completed)$/, `${done.metadata.name}: ${why}`);
    }
  }

  async function called(): Promise<PipelineRun[]> {
    const lists = await Promise.all(
      places.map((one) => kube.list<PipelineRun>(pipelineRuns, one, { labelSelector: 'subpipe.dev/call' })),
    );
    return lists.flatMap(({ items }) => items);
  }

  return { create, assertSucceeded, called };
}

/** The registry of the tests, which speaks plain HTTP, in place of one that people have. */
function withRegistry(value: unknown): unknown {
  const registry = context.imagePrefix.split('/')[0] ?? '';
  if (typeof value === 'string') return value.replaceAll('registry.example.com', registry);
  if (Array.isArray(value)) return value.map(withRegistry);
  if (!isFields(value)) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withRegistry(one)]));
  const reference = [value.ref, value.taskRef].find(isFields)?.name;
  if (typeof reference !== 'string' || !reference.startsWith('oci-workspace-') || !Array.isArray(copy.params))
    return copy;
  return { ...copy, params: [...copy.params, { name: 'insecure', value: registry }] };
}

/** A copy with other namespaces: what a file calls default is the caller's, and its own Namespaces get names of this test. */
function inNamespaces(value: unknown, own: string, renamed: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => inNamespaces(one, own, renamed));
  if (!isFields(value)) return typeof value === 'string' ? (renamed.get(value) ?? value) : value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === 'namespace' && one === 'default' ? own : inNamespaces(one, own, renamed),
    ]),
  );
}

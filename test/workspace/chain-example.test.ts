import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fieldsOf } from '../../runtime/shape.ts';
import { objectsOf, wrongCallsIn } from '../docs/calls.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { makeFolder } from '../support/folder.ts';
import { makeRepository, withGit } from '../support/git-server.ts';
import { filesNamed, root } from '../support/markdown.ts';
import { fieldsIn, listOf, runTask, type TaskOutcome } from './example.ts';
import { good, makeMachine } from './support.ts';

const folder = 'examples/oci-chain';

for (const example of [folder, 'examples/oci-cache']) {
  test(`${example} gives our StepActions what they take`, async () => {
    const files = await filesNamed('.yaml', example);
    const texts = files.map((where) => ({ text: readFileSync(path.join(root, where), 'utf8'), where }));
    assert.deepEqual(await wrongCallsIn(await objectsOf(texts)), []);
  });
}

test('the Tasks of examples/oci-chain, each in a workspace of its own: nothing is lost', withGit, async () => {
  await using registry = await FakeRegistry.start();
  await using repository = await makeFolder({ 'work/README.md': 'an app  \n', 'work/src/main.sh': 'echo hello\n' });
  const url = path.join(repository.path, 'app.git');
  const commit = makeRepository(path.join(repository.path, 'work'), url);
  const done = await runPipeline({
    url: `file://${url}`,
    revision: 'main',
    target: `${registry.host}/team/chain`,
    insecure: '',
  });
  const notes = 'the integration tests have passed\nthe unit tests have passed\n';
  assert.equal(done.get('clone')?.results.commit, commit);
  const deployed = done.get('deploy')?.log ?? '';
  assert.ok(deployed.startsWith(`deploying ${commit}:\n`) && deployed.endsWith(notes), deployed);
  assert.deepEqual([...deployed.matchAll(/^\.\/.*/gm)].map(String).sort(), [
    './release/app.tar',
    './release/notes.txt',
  ]);

  await using machine = await makeMachine();
  await good(machine.pull('seen', '--', done.get('package')?.results.image ?? ''));
  const seen = machine.workspace('seen');
  const text = (file: string): string => readFileSync(path.join(seen, file), 'utf8');
  assert.equal(text('README.md'), 'an app\n', 'as tidy has left it');
  assert.equal(text('src/main.sh'), 'echo hello\n');
  assert.equal(text('release/notes.txt'), notes);
  assert.equal(existsSync(path.join(seen, 'dist/files.tmp')), false, 'tidy has removed it');
  assert.match(registry.requests.join('\n'), /PUT \/v2\/team\/chain\/manifests\/run /, 'the tag for people');
});

/** Runs the Tasks of the Pipeline in their order. */
async function runPipeline(params: Record<string, string>): Promise<Map<string, TaskOutcome>> {
  const done = new Map<string, TaskOutcome>();
  const fill = (value: unknown): string =>
    String(value)
      .replaceAll('$(context.pipelineRun.name)', 'run')
      .replaceAll(/\$\(params\.([\w-]+)\)/g, (_, name: string) => params[name] ?? '')
      .replaceAll(/\$\(tasks\.([\w-]+)\.results\.([\w-]+)\)/g, (_, task: string, name: string) => {
        const result = done.get(task)?.results[name];
        assert.ok(result !== undefined, `${task} has run, and has the result ${name}`);
        return result;
      });
  const { tasks } = fieldsOf((await fieldsIn(`${folder}/pipeline.yaml`)).spec, 'spec');
  for (const task of listOf(tasks)) {
    await using machine = await makeMachine();
    const file = `${folder}/tasks/${String(fieldsOf(task.taskRef, 'taskRef').name).replace('chain-', '')}.yaml`;
    const given = listOf(task.params).map(({ name, value }): [string, string | string[]] => [
      String(name),
      Array.isArray(value) ? value.map(fill) : fill(value),
    ]);
    done.set(String(task.name), await runTask(machine, file, Object.fromEntries(given)));
  }
  return done;
}

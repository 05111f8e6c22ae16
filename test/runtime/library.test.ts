import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { allow, defineStep, integer, runStep, stepActionOf, taskOf, text, textResult } from 'subpipe';

/** A step of somebody else's, written with nothing but the package. */
const greet = defineStep({
  name: 'greet',
  summary: 'Greets.',
  params: {
    whom: text('Who is greeted.', { required: true }),
    times: integer('How often.', { default: '1', max: 3 }),
  },
  results: { greeting: textResult('What was said.') },
  rbac: [allow('', 'configmaps', ['get'])],
  async run({ params, log, report }) {
    const whom: string = params.whom;
    const times: number = params.times;
    log.info(`greeting ${whom}`);
    await report({ greeting: `hello ${whom} `.repeat(times).trim() });
  },
});

describe("the package as somebody else's library", () => {
  it('runs a step with its flags checked and its result written', async () => {
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'greet-')), 'greeting');
    const options = { env: {}, signal: new AbortController().signal, stderr: () => undefined };
    assert.equal(await runStep(greet, ['--whom=you', '--times=2', `--result.greeting=${file}`], options), 0);
    assert.equal(await readFile(file, 'utf8'), 'hello you hello you');
    assert.equal(await runStep(greet, ['--whom=you', '--times=9'], options), 2);
  });

  it('makes the Task and the StepAction of a step', () => {
    const options = { image: 'registry.example/greet:1', command: ['/greet'] };
    const task = JSON.stringify(taskOf(greet, options));
    assert.match(task, /"kind":"Task".*"--whom=\$\(params.whom\)".*"--result.greeting=\$\(results.greeting.path\)"/);
    assert.match(task, /"image":"registry.example\/greet:1","command":\["\/greet"\]/);
    assert.match(JSON.stringify(stepActionOf(greet, options)), /"kind":"StepAction".*step.results.greeting.path/);
  });
});

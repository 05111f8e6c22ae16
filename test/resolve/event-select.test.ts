import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { celOf } from '../../runtime/resolve/event/cel.ts';
import { eventVariables } from '../../runtime/resolve/event/custom-params.ts';
import { glob } from '../../runtime/resolve/event/glob.ts';
import { regexCompiler } from '../../runtime/resolve/event/regex.ts';
import { parseRepository } from '../../runtime/resolve/event/repository-resource.ts';
import { select, selected } from '../../runtime/resolve/event/select.ts';
import { substitute, type Values } from '../../runtime/resolve/event/substitute.ts';
import { explainVerdicts } from '../../runtime/resolve/event/verdict.ts';
import { eventOf } from '../../runtime/resolve/event.ts';

const run = (name: string, annotations: Record<string, string>) => ({
  name,
  annotations: Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [`pipelinesascode.tekton.dev/${key}`, value]),
  ),
});
const files = (...modified: string[]) => ({ all: modified, added: [], deleted: [], modified, renamed: [] });
const pushToMain = { 'on-event': 'push', 'on-target-branch': 'main' };
const push = eventOf({ trigger: 'push', targetBranch: 'refs/heads/main', changed: files('docs/a.md') });
const names = async (runs: ReturnType<typeof run>[], event = push) =>
  selected(await select(runs, event)).map(({ name }) => name);

test('an event starts the runs that match, in their order', async () => {
  const runs = [run('b', pushToMain), run('pr', { ...pushToMain, 'on-event': 'pull_request' }), run('a-', pushToMain)];
  assert.deepEqual(await names(runs), ['b', 'a-']);
});

test('--explain says for each run and each annotation why', async () => {
  const runs = [
    run('docs', { ...pushToMain, 'on-path-change': '[docs/**]', 'max-keep-runs': '3' }),
    run('code', { ...pushToMain, 'on-path-change': 'src/*', 'on-path-change-ignore': 'docs/*' }),
    run('cel', { ...pushToMain, 'on-cel-expression': 'event == "push" &&\n  target_branch == "main"' }),
    run('none', {}),
  ];
  const { verdicts } = await select(runs, push);
  assert.equal(verdicts[0]?.maxKeepRuns, '3');
  assert.equal(
    explainVerdicts(verdicts),
    `yes  docs
       yes      on-event: push  (the event is push)
       yes      on-target-branch: main  (the target main fits main)
       yes      on-path-change: [docs/**]  (docs/a.md has changed)
       note     max-keep-runs: 3  (passed through)
no   code
       yes      on-event: push  (the event is push)
       yes      on-target-branch: main  (the target main fits main)
       no       on-path-change: src/*  (none of 1 changed files fits)
       no       on-path-change-ignore: docs/*  (docs/a.md has changed)
yes  cel
       yes      on-cel-expression: event == "push" && target_branch == "main"  (it is true)
       ignored  on-event: push  (on-cel-expression decides)
       ignored  on-target-branch: main  (on-cel-expression decides)
       warning  on-cel-expression decides alone: on-event, on-target-branch of this run say nothing
no   none
       no       on-event  (missing: a run needs on-event and on-target-branch, or on-cel-expression or on-comment)
       no       on-target-branch  (missing: a run needs on-event and on-target-branch, or on-cel-expression or on-comment)
`,
  );
});

test('an annotation that cannot be read halts, unless another has said no before', async () => {
  await assert.rejects(
    names([run('ok', pushToMain), run('bad', { ...pushToMain, 'on-target-branch': '[]' })]),
    /PipelineRun bad: .*on-target-branch/,
  );
  assert.deepEqual(await names([run('ok', pushToMain), run('bad', { 'on-event': 'x', 'on-target-branch': '[]' })]), [
    'ok',
  ]);
});

test('a broken CEL expression takes out its own run only', async () => {
  const { verdicts } = await select([run('bad', { 'on-cel-expression': 'nope ==' }), run('ok', pushToMain)], push);
  assert.deepEqual(
    verdicts.map((verdict) => verdict.selected),
    [false, true],
  );
  assert.match(verdicts[0]?.warnings[0] ?? '', /the CEL expression "nope ==" has no value/);
});

test('the run that is asked for by name is the only one', async () => {
  const asked = eventOf({ ...push, targetRun: 'b' });
  assert.deepEqual(await names([run('a', pushToMain), run('b-', {}), run('c', pushToMain)], asked), ['b-']);
});

test('a comment that on-comment matches starts nothing else, and is an on-comment', async () => {
  const comment = eventOf({
    trigger: 'pull_request',
    eventType: 'test-all-comment',
    targetBranch: 'main',
    comment: '/test',
  });
  const runs = [
    run('usual', { 'on-event': 'pull_request', 'on-target-branch': 'main' }),
    run('comment', { 'on-comment': '^/test' }),
  ];
  const selection = await select(runs, comment);
  assert.deepEqual(
    selected(selection).map(({ name }) => name),
    ['comment'],
  );
  assert.equal(selection.event.eventType, 'on-comment');
  assert.equal(comment.eventType, 'test-all-comment');
});

test('[skip ci] starts nothing, and a command starts it all the same', async () => {
  const skipped = eventOf({ ...push, message: 'Docs\n\n[skip ci]' });
  assert.deepEqual(await names([run('a', pushToMain)], skipped), []);
  assert.deepEqual(await names([run('a', pushToMain)], eventOf({ ...skipped, eventType: 'test-all-comment' })), ['a']);
});

test('a closed pull request and /cancel start nothing', async () => {
  const all = run('a', { 'on-cel-expression': 'true' });
  assert.deepEqual(await names([all], eventOf({ trigger: 'pull_request_closed' })), []);
  assert.deepEqual(await names([all], eventOf({ trigger: 'pull_request', eventType: 'cancel-all-comment' })), []);
});

test('unknown changed files do not match, and the reason says what to do', async () => {
  const unknown = eventOf({ ...push, changed: undefined });
  const { verdicts } = await select([run('a', { ...pushToMain, 'on-path-change': '*' })], unknown);
  assert.equal(verdicts[0]?.selected, false);
  assert.match(explainVerdicts(verdicts), /give --changed-files/);
});

test('target-namespace must be the namespace of the Repository', async () => {
  const runs = [run('a', { ...pushToMain, 'target-namespace': 'other' })];
  assert.deepEqual(selected(await select(runs, push, { namespace: 'builds' })), []);
  assert.equal(selected(await select(runs, push)).length, 1);
});

const values: Values = { variables: {}, body: undefined, headers: {}, files: undefined };

test('one-letter variables, and given ones that begin with body, headers or files, are replaced', async () => {
  const variables = { a: '1', bodywork: '2', headers_x: '3', files: '4', 'body.action': '5' };
  const { text, unknown } = await substitute('{{a}} {{ bodywork }} {{headers_x}} {{ files }} {{ body.action }}', {
    ...values,
    variables,
  });
  assert.equal(text, '1 2 3 4 5');
  assert.deepEqual(unknown, []);
});

test('what stays unknown is told once', async () => {
  const { text, unknown } = await substitute('{{ x }} {{y}} {{ x }} {{ body.a }}', values);
  assert.equal(text, '{{ x }} {{y}} {{ x }} {{ body.a }}');
  assert.deepEqual(unknown, ['x', 'y', 'body.a']);
});

test('a value is not substituted again, and __proto__ is no variable', async () => {
  const { text } = await substitute('{{ a }}{{ __proto__ }}{{ toString }}', {
    ...values,
    variables: { a: '{{ b }}', b: 'x' },
  });
  assert.equal(text, '{{ b }}{{ __proto__ }}{{ toString }}');
});

test('headers are found in any of the cases that people write', async () => {
  const { text } = await substitute(
    `{{ headers['X-GitHub-Event'] }} {{ headers['X-Github-Event'] }} {{ headers['x-github-event'] }} {{ headers }}`,
    {
      ...values,
      headers: { 'X-GitHub-Event': 'push' },
    },
  );
  assert.equal(text, 'push push push {"X-Github-Event":"push"}');
});

test('a text of braces takes linear time', async () => {
  const text = '{{'.repeat(500_000);
  assert.equal((await substitute(text, values)).text, text);
});

test('a glob of many stars takes linear time', () => {
  assert.equal(glob(`${'*a'.repeat(200)}b`).test('a'.repeat(20_000)), false);
  assert.equal(glob(`${'{a,a*}'.repeat(40)}b`).test('a'.repeat(5_000)), false);
  assert.throws(() => glob('{'.repeat(1_000)), /deep/);
});

test('a regular expression that explodes elsewhere takes linear time', async () => {
  const compile = await regexCompiler();
  assert.equal(compile('^(a+)+$').test(`${'a'.repeat(50_000)}b`), false);
  assert.throws(() => compile('(?=x)'), /cannot be read \(RE2 syntax\)/);
});

test("CEL's matches is RE2's, also where its name is elsewhere in the expression", async () => {
  const cel = await celOf({ x: `${'a'.repeat(50_000)}b`, matches: 'm' });
  assert.equal(cel.evaluate('x.matches("^(a+)+$")'), false);
  assert.equal(
    cel.evaluate('"matches" == matches + "atches" && ("m").matches("(?i)M") && matches.matches(matches)'),
    true,
  );
});

test('a CEL expression of loops in loops is stopped', async () => {
  const list = Array.from({ length: 3_000 }, (_, index) => `f${index}`);
  const cel = await celOf({ files: { all: list } }, undefined, 300);
  const loops = 'files.all.all(a, files.all.all(b, files.all.all(c, files.all.all(d, a != "x"))))';
  assert.throws(() => cel.evaluate(loops), /takes too long/);
  assert.throws(() => cel.evaluate(loops), /takes too long/);
});

test('a CEL expression that is too deep or too long is refused', async () => {
  const cel = await celOf({ x: 'y' });
  assert.throws(() => cel.evaluate(`${'('.repeat(5_000)}1${')'.repeat(5_000)}`), /has no value/);
  assert.throws(() => cel.evaluate(`"${'x'.repeat(30_000)}"`), /longer than/);
});

test('CEL cannot reach what is behind an object', async () => {
  const cel = await celOf({ body: JSON.parse('{"a": {}, "__proto__": {"x": 1}}') });
  for (const expression of ['body.constructor', 'body.a.constructor', 'body.a.toString', 'body.a["__proto__"]']) {
    assert.throws(() => cel.evaluate(expression), /has no value/);
  }
});

const repository = `apiVersion: v1
kind: ConfigMap
---
apiVersion: pipelinesascode.tekton.dev/v1alpha1
kind: Repository
metadata: {name: app, namespace: builds}
spec:
  url: https://forge.example/ada/app
  params:
    - {name: company, value: ACME, filter: pac.event_type == "push"}
    - {name: company, value: Other}
    - {name: token, secret_ref: {name: keys, key: token}}
    - {name: start_time}
`;

test('custom params come from a Repository, its namespace too', async () => {
  const resource = await parseRepository(repository, 'repo.yaml');
  const { variables, warnings } = await eventVariables(push, resource);
  assert.equal(variables.company, 'Other');
  assert.equal(variables.target_namespace, 'builds');
  assert.equal(variables.git_tag, '');
  assert.equal('start_time' in variables, false);
  assert.deepEqual(warnings, [
    'the param token is in the key token of the Secret keys, which is not read here: give it with -p token=…',
  ]);
});

test('a secret is read where it can be, and not where -p gives the param', async () => {
  const resource = await parseRepository(repository, 'repo.yaml');
  const asked: string[] = [];
  const readSecret = async ({ name, key }: { name: string; key: string }) => {
    asked.push(`${name}/${key}`);
    return 'very-secret';
  };
  assert.equal((await eventVariables(push, resource, { readSecret })).variables.token, 'very-secret');
  const { warnings } = await eventVariables(push, resource, { readSecret, given: new Set(['token']) });
  assert.deepEqual([asked, warnings], [['keys/token'], []]);
});

test('a Repository that is none is refused', async () => {
  await assert.rejects(parseRepository('kind: Task\n', 'r.yaml'), /r\.yaml must hold a Repository/);
  await assert.rejects(
    parseRepository(`${repository}---\n${repository}`, 'r.yaml'),
    /must hold one Repository, but has 2/,
  );
  const bad = repository.replace('key: token', 'wrong: token');
  await assert.rejects(parseRepository(bad, 'r.yaml'), /spec\.params\[2\]\.secret_ref must have name and key/);
});

test('CEL and regular expressions are not loaded where nothing needs them', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ resolve(name, context, next) { loaded.push(name); return next(name, context); } });
    const { select } = await import('./runtime/resolve/event/select.ts');
    const { substitute } = await import('./runtime/resolve/event/substitute.ts');
    const { eventOf } = await import('./runtime/resolve/event.ts');
    const annotations = { 'pipelinesascode.tekton.dev/on-event': 'push', 'pipelinesascode.tekton.dev/on-target-branch': 'm*' };
    const { verdicts } = await select([{ name: 'a', annotations }], eventOf({ trigger: 'push', targetBranch: 'main' }));
    const { text } = await substitute('{{ a }}', { variables: { a: '1' }, body: {}, headers: {}, files: undefined });
    console.log(JSON.stringify([verdicts[0].selected, text, loaded.filter((name) => /cel-js|re2js/.test(name))]));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--no-warnings', '--eval', script], {
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(output), [true, '1', []]);
});

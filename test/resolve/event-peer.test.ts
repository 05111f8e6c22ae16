import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commentArguments, commentCommand } from '../../runtime/resolve/event/comment.ts';
import { eventVariables } from '../../runtime/resolve/event/custom-params.ts';
import { glob } from '../../runtime/resolve/event/glob.ts';
import { eventFromPayload } from '../../runtime/resolve/event/payload.ts';
import { select } from '../../runtime/resolve/event/select.ts';
import { substitute } from '../../runtime/resolve/event/substitute.ts';
import { type ChangedFiles, eventOf, type RepositoryEvent } from '../../runtime/resolve/event.ts';
import { fieldsOf, isFields, textMapOf } from '../../runtime/shape.ts';
import { type Case, cases, type PeerEvent } from './peer-match/cases.ts';
import { differences } from './peer-match/differences.ts';

// What Pipelines-as-Code itself answers, as differential/record.ts has asked it.
const answers = fieldsOf(
  JSON.parse(readFileSync(new URL('peer-match/answers.json', import.meta.url), 'utf8')),
  'answers.json',
);

for (const one of cases) {
  test(`as Pipelines-as-Code: ${one.name}`, async () => {
    const peer = fieldsOf(answers[one.name], one.name);
    const different = differences[one.name];
    const ours = await answer(one);
    if (different === undefined) return assert.deepEqual(ours, expected(one, peer));
    assert.deepEqual(ours, different.ours, different.why);
    assert.notDeepEqual(ours, expected(one, peer), 'no longer a difference: take it from the list');
  });
}

test('every difference on the list is of a case', () => {
  const names = new Set(cases.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(differences).filter((name) => !names.has(name)),
    [],
  );
});

/** The peer's answer, in the form of ours. */
function expected(one: Case, peer: Record<string, unknown>): unknown {
  switch (one.kind) {
    case 'match':
      return peer.matched ?? 'error';
    case 'glob':
      return peer.matched ?? 'error';
    case 'text':
      return comparable(String(peer.text));
    case 'params':
      return peer.error === undefined ? filled(textMapOf(peer.values ?? {}, 'values')) : 'error';
    case 'comment':
      return { event: peer.event, values: peer.values ?? {} };
    case 'payload':
      return peer.error === undefined ? told(fieldsOf(peer.event, one.name)) : 'error';
    default:
      return one.kind satisfies never;
  }
}

async function answer(one: Case): Promise<unknown> {
  const event = eventFrom(one.event ?? {});
  switch (one.kind) {
    case 'match': {
      const { verdicts } = await select([{ name: 'run', annotations: one.annotations ?? {} }], event);
      return verdicts[0]?.selected;
    }
    case 'glob':
      try {
        return glob(one.pattern ?? '').test(one.text ?? '');
      } catch {
        return 'error';
      }
    case 'text': {
      const { body, headers, changed } = event;
      const { text } = await substitute(one.text ?? '', { variables: one.values ?? {}, body, headers, files: changed });
      return comparable(text);
    }
    case 'params':
      try {
        const params = (one.params ?? []).map(({ name, value = '', filter = '' }) => ({
          name,
          value,
          filter,
          secret: undefined,
        }));
        const { variables } = await eventVariables(event, {
          name: 'repo',
          namespace: 'builds',
          url: undefined,
          params,
        });
        return filled(variables);
      } catch {
        return 'error';
      }
    case 'comment': {
      const { eventType, targetRun } = commentCommand(one.text ?? '');
      return { event: { eventType, target: targetRun ?? '' }, values: commentArguments(one.text ?? '') };
    }
    case 'payload':
      return payloadAnswer(one);
    default:
      return one.kind satisfies never;
  }
}

function payloadAnswer(one: Case): unknown {
  let event: RepositoryEvent;
  try {
    event = eventFromPayload(one.event?.body ?? '', one.event?.headers ?? {}, 'payload.json');
  } catch {
    return 'error';
  }
  return told({ ...event, testRun: event.targetRun });
}

/** What an event tells: unknown, empty and zero are the same in Go. */
function told(event: Record<string, unknown>): Record<string, unknown> {
  const names =
    `trigger eventType revision sourceBranch targetBranch repoUrl sourceUrl targetUrl repoOwner repoName sender title
    pullRequestNumber labels comment testRun`.split(/\s+/);
  const known = names.map((name): [string, unknown] => [name, event[name]]);
  return Object.fromEntries(
    known.filter(([, value]) => value != null && value !== '' && value !== 0 && String(value) !== ''),
  );
}

/**
 * Variables without the empty ones: where a Repository has params, Pipelines-as-Code leaves these out, against its documentation
 * (`git_tag` is "otherwise empty"). The number of a pull request it adds later.
 */
function filled(variables: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name, value]) => value !== '' && name !== 'pull_request_number'),
  );
}

/** Protobuf's JSON puts a blank behind commas or not, by chance: JSON within the text is compared as a value. */
function comparable(text: string): unknown {
  const [, before, json = '', after] = /^(x )?([[{].*[\]}])( y)?$/s.exec(text) ?? [];
  try {
    return { before, json: JSON.parse(json), order: json.replaceAll(/[\s]/g, ''), after };
  } catch {
    return text;
  }
}

function eventFrom(peer: PeerEvent): RepositoryEvent {
  const body: unknown = peer.body === undefined ? undefined : JSON.parse(peer.body);
  const trigger = peer.trigger === 'push' ? 'push' : 'pull_request';
  const changed: ChangedFiles | undefined = peer.files && {
    all: [],
    added: [],
    deleted: [],
    modified: [],
    renamed: [],
    ...peer.files,
  };
  return eventOf({
    trigger,
    eventType: peer.eventType ?? '',
    revision: peer.sha,
    sourceBranch: peer.head,
    targetBranch: peer.base,
    repoUrl: peer.url,
    sourceUrl: peer.headURL,
    targetUrl: peer.baseURL,
    repoOwner: peer.org,
    repoName: peer.repo,
    sender: peer.sender,
    title: trigger === 'push' ? peer.shaTitle : peer.title,
    comment: peer.comment,
    labels: peer.labels ?? [],
    headers: peer.headers ?? {},
    body: isFields(body) ? body : undefined,
    changed,
  });
}

/** What a comment on a pull request or commit asks for (Pipelines-as-Code, GitOps commands). */
export interface CommentCommand {
  /** As in `event_type`: `test-comment`, `retest-all-comment`, … or `no-ops-comment`. */
  eventType: string;
  /** `/test NAME`: the one PipelineRun that is asked for. */
  targetRun: string | undefined;
  /** `/test NAME branch:nightly`, on commits only. */
  branch: string | undefined;
  tag: string | undefined;
}

/** In this order: the first that fits names the comment. */
const commands: readonly (readonly [RegExp, string])[] = [
  [/^\/retest\s*$/m, 'retest-all-comment'],
  [/^\/retest[ \t]+\S+/m, 'retest-comment'],
  [/^\/test\s*$/m, 'test-all-comment'],
  [/^\/test[ \t]+\S+/m, 'test-comment'],
  [/(?:^|\n)\/ok-to-test(?:\s+[a-fA-F0-9]{7,40})?\s*(?:\r|\n|$)/, 'ok-to-test-comment'],
  [/^\/cancel\s*$/m, 'cancel-all-comment'],
  [/^\/cancel[ \t]+\S+/m, 'cancel-comment'],
];

/** A comment is a person's, not the repository's, but still a stranger's: no more than this is looked at. */
const longest = 16_384;

export function commentCommand(comment: string): CommentCommand {
  const text = comment.slice(0, longest);
  const eventType = commands.find(([form]) => form.test(text))?.[1] ?? 'no-ops-comment';
  if (eventType !== 'test-comment' && eventType !== 'retest-comment') {
    return { eventType, targetRun: undefined, branch: named(text, 'branch'), tag: named(text, 'tag') };
  }
  const [, words = ''] = /\/(?:re)?test[ \t]+([^\n]*)/.exec(text) ?? [];
  const [first = ''] = words.trim().split(' ');
  // `/test branch:nightly` names a branch and `/test key=value` a param, not a PipelineRun.
  const targetRun = first === '' || /^(?:branch|tag):/.test(first) ? undefined : first;
  return { eventType, targetRun, branch: named(text, 'branch'), tag: named(text, 'tag') };
}

/** True for the event types that a GitOps command makes. */
export function isCommandType(eventType: string): boolean {
  return eventType === 'on-comment' || commands.some(([, type]) => type === eventType);
}

/**
 * `/test run key=value other="two words"`: arguments that replace params of these names.
 * A comment that is no command has none.
 */
export function commentArguments(comment: string): Record<string, string> {
  if (!comment.startsWith('/')) return {};
  const found: Record<string, string> = {};
  for (const match of comment.slice(0, longest).matchAll(/(?<!\w)(\w{1,200})=(?:"((?:[^"\\]|\\.)*)"|([^"'\s]+))/gs)) {
    const [, key = '', quoted = '', bare = ''] = match;
    found[key] = quoted === '' ? bare : quoted.replaceAll('\\"', '"');
  }
  return found;
}

function named(comment: string, word: 'branch' | 'tag'): string | undefined {
  return new RegExp(`^/\\w+[^\\n]*\\b${word}:\\s*(\\S+)`, 'm').exec(comment)?.[1];
}

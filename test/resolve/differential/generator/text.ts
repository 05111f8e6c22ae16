import type { Random } from './random.ts';

/** Texts that are easily taken for something else by who reads or writes YAML. */
const hard = [
  ...[
    'yes',
    'No',
    'on',
    'y',
    '010',
    '0x1f',
    '0o7',
    '0b1',
    '1_000',
    '1e3',
    '.5',
    '+1',
    '-0',
    '12:30:45',
    '2001-12-14',
    '.inf',
  ],
  ...[
    '~',
    'null',
    'true',
    '',
    ' ',
    '  two  ',
    '#no comment',
    'a #b',
    'a: b',
    'key:',
    '- x',
    '-',
    '?',
    ': x',
    '...',
    '--- x',
  ],
  ...['"q"', "'q'", "it's", '{a}', '[a]', '*x', '&x', '!x', '%x', '@x', '`x`', '|', '>', '>-', '<<', '=', '\\n', '\\'],
  ...[
    'é ü ß',
    '漢字',
    '😀',
    'tab\there',
    'line\nline',
    'line\n\n\nend\n',
    '\n\nstart',
    '  indented\nless\n',
    'blank \nend\n',
  ],
  ...[
    '$(params.x)',
    '$$',
    '{{ revision }}',
    '{{ known }}',
    '{{known}}',
    '{{ unknown }}',
    '{{  repo_url }}',
    '{ {',
    '}}',
  ],
];

const plain = [
  'main',
  'x86',
  'registry/app:1',
  'https://example.com/a',
  'a b',
  '--flag',
  '-v',
  '/etc/x',
  'v1.2.3',
  '100',
  'go test ./...',
];

export function textOf(random: Random): string {
  return random.chance(0.4) ? random.pick(hard) : random.pick(plain);
}

const lines = [
  'set -e',
  'echo hello',
  'if [ -n "$X" ]; then',
  '  exit 1',
  'fi',
  '# a comment',
  'a: b',
  '',
  '\tmake',
  "echo 'x' # y",
  '{{ known }}',
];

export function scriptOf(random: Random): string {
  const body = random.many(1, 5, () => random.pick(lines)).join('\n');
  // Empty lines at the end are lost where the peer takes out what Go prints behind them.
  return `${random.pick(['#!/bin/sh\n', ''])}${body.trimEnd() || 'true'}${random.pick(['', '\n'])}`;
}

export const taskNames = ['build', 'test', 'lint', 'git-clone', 'unit.tests', 'deploy-0', 'x'];
export const pipelineNames = ['main', 'release', 'ci.nightly'];
export const runNames = [
  'on-push',
  'on-pull',
  'nightly.run',
  'r',
  'a-name-that-is-longer-than-a-label-may-be-and-is-cut-from-its-beginning-on',
];

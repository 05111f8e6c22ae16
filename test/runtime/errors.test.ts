import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOf, explain, hasCode, invalid, SubpipeError } from '../../runtime/errors.ts';
import { addSecret, redact } from '../../runtime/redact.ts';
import { memoryLog } from '../support/step.ts';

test('an error is explained in one sentence with its causes and what to do', () => {
  const error = new SubpipeError('UNAVAILABLE', 'GET https://registry/v2/ failed', {
    cause: new Error('connect refused', { cause: 'no route' }),
    hint: 'Check the network.',
  });
  assert.equal(explain(error), 'GET https://registry/v2/ failed: connect refused: no route. Check the network.');
});

test('a cause that the message quotes is said once', () => {
  assert.equal(
    explain(new Error('cannot read: no such file', { cause: new Error('no such file') })),
    'cannot read: no such file.',
  );
});

test('hints of causes are kept', () => {
  assert.equal(explain(new SubpipeError('FAILED', 'a', { cause: invalid('b', { hint: 'Do c.' }) })), 'a: b. Do c.');
});

test('an endless chain of causes ends', () => {
  const error = new Error('round');
  error.cause = error;
  assert.equal(explain(error), 'round.');
});

test('things that are no errors are explained too', () => {
  assert.equal(explain('just text'), 'just text.');
  assert.equal(explain(undefined), '.');
});

test('what others have written commands no terminal, in errors and in lines of a log', () => {
  const odd = 'a\x1b]0;title\x07\u009b2J\rb\tc\r\nd é';
  const told = 'a\\x1b]0;title\\x07\\x9b2J\\x0db\tc\r\nd é';
  assert.equal(explain(new SubpipeError('FAILED', odd, { hint: odd })), `${told}. ${told}`);
  const { log, lines } = memoryLog();
  log.warn(odd);
  log.line('tests', '\x1b[32mgreen\x1b[0m');
  assert.deepEqual(lines, [`test: warn: ${told}`, '[tests] \x1b[32mgreen\x1b[0m']);
});

test('an error knows its code and exit code', () => {
  assert.ok(hasCode(invalid('x'), 'INVALID'));
  assert.ok(!hasCode(new Error('x'), 'INVALID'));
  assert.equal(exitCodeOf('thrown text'), 1);
});

test('secrets are removed when an error is made, from message and hint', () => {
  addSecret('s3cret-token');
  const error = new SubpipeError('FAILED', 'sent s3cret-token', { hint: 'Renew s3cret-token.' });
  assert.equal(error.message, 'sent ***');
  assert.equal(error.hint, 'Renew ***.');
});

test('a secret that contains another is removed whole', () => {
  addSecret('inner-secret');
  addSecret('inner-secret-and-more');
  assert.equal(redact('x inner-secret-and-more y inner-secret z'), 'x *** y *** z');
});

test('credentials in URLs and Authorization values are removed though nobody registered them', () => {
  assert.equal(
    redact('git clone https://bob:pw@host/x and http://tok@host/y'),
    'git clone https://***@host/x and http://***@host/y',
  );
  assert.equal(redact('Authorization: Bearer abc'), 'Authorization: Bearer ***');
  assert.equal(redact('authorization=basic Zm9v next'), 'authorization=basic *** next');
});

test('ordinary text is left as it is', () => {
  const text = 'see https://host:8080/a@b, mail me@host, image repo@sha256:abc, ssh git@host:x';
  assert.equal(redact(text), text);
  addSecret('ab');
  assert.equal(redact('abab'), 'abab');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromText, isDirectlyIn, parentOf, rootPath } from '../../runtime/archive/path.ts';

test('a path is directly in its parent, and in nothing else', () => {
  const paths = ['a', 'a/b', 'a/b/c', 'a/bc', 'ab', 'ab/c', 'ä/b'].map(fromText);
  for (const path of paths) {
    for (const folder of [rootPath, ...paths]) {
      assert.equal(isDirectlyIn(path, folder), parentOf(path) === folder, `${path} in ${folder}`);
    }
  }
  assert.equal(isDirectlyIn(rootPath, rootPath), false);
});

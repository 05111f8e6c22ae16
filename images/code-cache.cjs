// A process of its own: what V8 puts into a cache depends on the flags and the history of the process.
// node [flags] code-cache.cjs whole|called|adopt FILENAME [ARGUMENTS] in a folder with the file "bundle"; the cache is the file "cache".
// A run with the arguments says what is compiled: the "whole" of the chunks that it loads, or just the functions "called".
// "adopt" makes the cache fit a Node without flags.
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');

// The layout of V8's SerializedCodeData header: magic, version, source hash, then the hash of the flags.
const flagHash = { start: 12, end: 16 };
const [, , what, filename] = process.argv;
const cache = 'cache';
// As images/launcher.cjs puts it together: V8 compares the source's length.
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync('bundle', 'latin1')}\n})`;

if (what !== 'adopt') {
  const script = new Script(source, { filename });
  // From here on a function is compiled with all that is in it: what a chunk holds that the run starts, and no other chunk.
  if (what === 'whole') setFlagsFromString('--no-lazy');
  process.on('exit', () => writeFileSync(cache, script.createCachedData()));
  process.argv.splice(1, 3, filename);
  script.runInThisContext()(exports, require, module, filename, __dirname);
} else {
  const cachedData = readFileSync(cache);
  new Script(source, { filename }).createCachedData().copy(cachedData, flagHash.start, flagHash.start, flagHash.end);
  writeFileSync(cache, cachedData);
  const script = new Script(source, { filename, cachedData });
  process.stdout.write(script.cachedDataRejected ? 'refused' : 'accepted');
}

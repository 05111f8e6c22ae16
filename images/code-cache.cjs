// A process of its own: what V8 puts into a cache depends on the flags and the history of the process.
// node [flags] code-cache.cjs make|run|adopt FILENAME [ARGUMENTS] in a folder with the file "bundle"; the cache is the file "cache".
// "make" compiles as the flags say, "run" what a run with the arguments calls; "adopt" makes the cache fit a Node with the flags.
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

// The layout of V8's SerializedCodeData header: magic, version, source hash, then the hash of the flags.
const flagHash = { start: 12, end: 16 };
const [, , what, filename] = process.argv;
const cache = 'cache';
// As images/launcher.cjs puts it together: V8 compares the source's length.
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync('bundle', 'latin1')}\n})`;

if (what === 'make') {
  writeFileSync(cache, new Script(source, { filename }).createCachedData());
} else if (what === 'run') {
  const script = new Script(source, { filename });
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

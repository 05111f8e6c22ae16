// A process of its own: what V8 puts into a cache depends on the flags and the history of the process.
// node [flags] code-cache.cjs make|adopt BUNDLE CACHE
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

// The layout of V8's SerializedCodeData header: magic, version, source hash, then the hash of the flags.
const flagHash = { start: 12, end: 16 };
const [, , what, bundle, cache] = process.argv;
// As images/launcher.cjs puts it together: V8 compares the source's length.
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(bundle, 'latin1')}\n})`;

if (what === 'make') {
  writeFileSync(cache, new Script(source, { filename: bundle }).createCachedData());
} else {
  const cachedData = readFileSync(cache);
  new Script(source, { filename: bundle })
    .createCachedData()
    .copy(cachedData, flagHash.start, flagHash.start, flagHash.end);
  writeFileSync(cache, cachedData);
  const script = new Script(source, { filename: bundle, cachedData });
  process.stdout.write(script.cachedDataRejected ? 'refused' : 'accepted');
}

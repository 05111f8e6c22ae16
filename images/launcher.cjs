#!/usr/bin/node --min-semi-space-size=4
// The program of a step's image: runs NAME.js with the compiled code beside it, which V8 checks and may refuse.
// Node's own compile cache is bound to a user id and differs from build to build; this one is neither.
// The flag: with V8's 1 MiB, garbage is collected twice before the first request, which is 5 % of the way to it; with 4 not once.
// Steps that launcher.ts names have another.
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const filename = `${__filename}.js`;
let cachedData;
try {
  cachedData = readFileSync(`${__filename}.cache`);
} catch {
  // Slower, and just as good: there is no cache for a machine that the build could not run on.
}
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'latin1')}\n})`;
const script = new Script(source, { filename, cachedData });
script.runInThisContext()(exports, require, module, filename, __dirname);

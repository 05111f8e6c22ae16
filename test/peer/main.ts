// `npm run test:peer`: ours beside the programs that it takes over from or hands on to: Pipelines-as-Code, Tekton, umoci,
// skopeo, crane, oras, GNU tar, zstd. Go builds some on the first run, Debian has the others. Files, or all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { explain } from '../../runtime/errors.ts';
import { programNames, programOf } from '../resolve/differential/programs.ts';
import { peerPrograms, requirePrograms } from './requirements.ts';

const named = process.argv.slice(2);
try {
  // Before the minutes that builds take. Files that are named need less, and ask for it themselves.
  if (named.length === 0) {
    await requirePrograms(peerPrograms);
    const { signal } = new AbortController();
    for (const name of programNames) process.stderr.write(`test:peer: ${await programOf(name, signal)}\n`);
  }
  const files = named.length === 0 ? ['test/**/*.peer.ts'] : named;
  const tests = spawn(process.execPath, ['--test', '--test-timeout=1200000', '--test-concurrency=1', ...files], {
    stdio: 'inherit',
  });
  const [code] = await once(tests, 'exit');
  process.exitCode = code === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`test:peer cannot compare: ${explain(error)}\n`);
  process.exitCode = 1;
}

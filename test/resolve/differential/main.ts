// `npm run test:peer`: ours beside Pipelines-as-Code and Tekton themselves, which Go builds on the first run. Files, or all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { explain } from '../../../runtime/errors.ts';
import { programNames, programOf } from './programs.ts';

const files = process.argv.length > 2 ? process.argv.slice(2) : ['test/**/*.peer.ts'];
try {
  const { signal } = new AbortController();
  for (const name of programNames) {
    process.stderr.write(`test:peer: ${await programOf(name, signal)}\n`);
  }
  const tests = spawn(process.execPath, ['--test', '--test-timeout=1200000', '--test-concurrency=1', ...files], {
    stdio: 'inherit',
  });
  const [code] = await once(tests, 'exit');
  process.exitCode = code === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`test:peer compares with programs that Go builds: ${explain(error)}\n`);
  process.exitCode = 1;
}

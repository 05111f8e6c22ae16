import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { succeeded } from '../../runtime/tekton/types.ts';
import { apply } from './support/apply.ts';
import { context } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent, scriptPipeline, sleeping } from './support/pipelines.ts';
import { childrenOf, ended, firstChild, logOf, start, verdict } from './support/runs.ts';

const cluster = path.join(import.meta.dirname, '../cluster/main.ts');

// Somebody else's API server is not ours to stop. Faults that no real server produces on demand are in test/steps.
describe('an API server that is restarted', {
  skip: context.ownCluster ? false : 'not the project’s own cluster',
}, () => {
  it('does not keep a wait from its right answer', async (t) => {
    const namespace = await testNamespace(t, 'outage');
    await apply(namespace, scriptPipeline('slow', `${sleeping(15)}; printf done > $(results.out.path)`));
    await start(namespace, parent(call('call', { pipeline: 'slow' })));
    const child = await firstChild(namespace, 'main', (run) => succeeded(run)?.reason === 'Running');
    await promisify(execFile)(process.execPath, [cluster, 'restart-apiserver'], { env: process.env });
    const done = await ended(namespace, 'main');
    assert.equal(verdict(done), 'True Succeeded');
    assert.equal((await childrenOf(namespace, 'main')).length, 1);
    assert.match(await logOf(namespace, 'main', 'call'), new RegExp(`${child.metadata.name} ended: Succeeded`));
  });
});

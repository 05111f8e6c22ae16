import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import { pipelineRuns } from '../../runtime/kube/resource.ts';
import { type WatchOptions, watch } from '../../runtime/kube/watch.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { FakeKube } from '../fakes/kube.ts';
import { eventually } from '../support/eventually.ts';
import { clientOf } from '../support/kube.ts';
import { addRun } from '../support/tekton.ts';

/** A watch that goes on in the background, and what it has said. */
class Watching implements AsyncDisposable {
  readonly events: string[] = [];
  readonly stop = new AbortController();
  readonly ended: Promise<unknown>;

  constructor(client: KubeClient, options: Omit<WatchOptions<PipelineRun>, 'signal'> = {}) {
    this.ended = this.#read(client, options).catch((error: unknown) => error);
  }

  async #read(client: KubeClient, options: Omit<WatchOptions<PipelineRun>, 'signal'>): Promise<void> {
    const all = watch<PipelineRun>(client, pipelineRuns, 'ci', { ...options, signal: this.stop.signal });
    for await (const { type, object } of all) {
      const mark = object.metadata.labels?.mark;
      this.events.push(`${type} ${object.metadata.name}${mark === undefined ? '' : `=${mark}`}`);
    }
  }

  async heard(...expected: string[]): Promise<void> {
    await eventually(
      () => this.events.length >= expected.length,
      `${expected.join(', ')}; heard ${this.events.join(', ')}`,
    );
    assert.deepEqual(this.events, expected);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.ended;
  }
}

const mark = (kube: FakeKube, name: string, value: string): void => {
  kube.update(pipelineRuns, name, ({ metadata }) => {
    metadata.labels = { ...metadata.labels, mark: value };
  });
};

describe('watch', { concurrency: 6 }, () => {
  it('a watch gives what is there and then what changes', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    await using watching = new Watching(use.client);
    await watching.heard('ADDED a');
    addRun(kube, 'b');
    mark(kube, 'a', '1');
    kube.remove(pipelineRuns, 'b');
    await watching.heard('ADDED a', 'ADDED b', 'MODIFIED a=1', 'DELETED b');
    assert.equal(kube.requests.length, 1);
  });

  it('a watch from a version gives only what came after it', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    const { metadata } = addRun(kube, 'a');
    mark(kube, 'a', '1');
    await using watching = new Watching(use.client, { resourceVersion: metadata.resourceVersion });
    await watching.heard('MODIFIED a=1');
  });

  it('a watch of one name or label says nothing of others', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    for (const name of ['a', 'b']) addRun(kube, name, { metadata: { name, labels: { of: name } } });
    await using one = new Watching(use.client, { fieldSelector: 'metadata.name=a' });
    await using two = new Watching(use.client, { labelSelector: 'of=b' });
    await kube.until(() => kube.watching === 2);
    mark(kube, 'b', '1');
    mark(kube, 'a', '1');
    await one.heard('ADDED a', 'MODIFIED a=1');
    await two.heard('ADDED b', 'MODIFIED b=1');
  });

  it('a watch asks for bookmarks and an end, so that the server closes it and not the network', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    await using _ = new Watching(use.client);
    const { query } = await kube.seen({ verb: 'watch' });
    assert.equal(query.get('allowWatchBookmarks'), 'true');
    const seconds = Number(query.get('timeoutSeconds'));
    assert.ok(seconds >= 300 && seconds <= 900, String(seconds));
  });

  it('a watch that comes to its end goes on from the last version, by one request each time', async () => {
    await using kube = await FakeKube.start({ secondMs: 100 });
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    await using watching = new Watching(use.client, { lengthSeconds: 3 });
    await kube.seen({ verb: 'watch' }, 3);
    mark(kube, 'a', '1');
    await watching.heard('ADDED a', 'MODIFIED a=1');
    assert.equal(kube.count({ verb: 'list' }), 0);
  });

  it('a bookmark moves the version on, so that a cut watch begins there', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    const { metadata } = addRun(kube, 'a');
    await using watching = new Watching(use.client, {
      fieldSelector: 'metadata.name=a',
      resourceVersion: metadata.resourceVersion,
    });
    await kube.until(() => kube.watching === 1);
    const later = addRun(kube, 'other').metadata.resourceVersion;
    kube.bookmark();
    mark(kube, 'a', '1');
    await watching.heard('MODIFIED a=1');
    const last = kube.find(pipelineRuns, 'a')?.metadata.resourceVersion;
    addRun(kube, 'another');
    kube.bookmark();
    // The bookmark goes down the same connection as the event that proves it was read.
    mark(kube, 'a', '2');
    await watching.heard('MODIFIED a=1', 'MODIFIED a=2');
    kube.cutWatches();
    const again = await kube.seen({ verb: 'watch' }, 2);
    assert.ok(Number(again.query.get('resourceVersion')) > Number(last));
    assert.ok(Number(again.query.get('resourceVersion')) > Number(later));
  });

  it('a bookmark alone is enough to begin from', async () => {
    await using kube = await FakeKube.start({ secondMs: 100 });
    await using use = await clientOf(kube);
    const { metadata } = addRun(kube, 'a');
    await using _ = new Watching(use.client, {
      fieldSelector: 'metadata.name=a',
      resourceVersion: metadata.resourceVersion,
      lengthSeconds: 3,
    });
    await kube.until(() => kube.watching === 1);
    const later = addRun(kube, 'other').metadata.resourceVersion;
    const again = await kube.seen({ verb: 'watch' }, 2);
    assert.equal(again.query.get('resourceVersion'), later);
  });

  it('a cut watch loses nothing and repeats nothing', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    await using watching = new Watching(use.client);
    const expected = ['ADDED a'];
    for (let round = 1; round <= 4; round++) {
      await watching.heard(...expected);
      kube.cutWatches();
      mark(kube, 'a', String(round));
      expected.push(`MODIFIED a=${round}`);
    }
    await watching.heard(...expected);
  });

  for (const gone of ['status', 'event'] as const) {
    it(`410 Gone as ${gone}: a new list tells what changed, also what was deleted meanwhile`, async () => {
      await using kube = await FakeKube.start();
      await using use = await clientOf(kube);
      kube.gone = gone;
      addRun(kube, 'a');
      addRun(kube, 'b');
      await using watching = new Watching(use.client);
      await watching.heard('ADDED a', 'ADDED b');
      await kube.stop();
      kube.remove(pipelineRuns, 'a');
      mark(kube, 'b', '1');
      addRun(kube, 'c');
      kube.compact();
      await kube.listen();
      await watching.heard('ADDED a', 'ADDED b', 'DELETED a', 'MODIFIED b=1', 'ADDED c');
      assert.equal(kube.count({ verb: 'list' }), 1);
      mark(kube, 'c', '2');
      await eventually(() => watching.events.at(-1) === 'MODIFIED c=2');
    });

    it(`410 Gone as ${gone}: what was known before the watch began is missed as well`, async () => {
      await using kube = await FakeKube.start();
      await using use = await clientOf(kube);
      kube.gone = gone;
      const known = addRun(kube, 'a');
      kube.remove(pipelineRuns, 'a');
      kube.compact();
      await using watching = new Watching(use.client, {
        resourceVersion: known.metadata.resourceVersion,
        known: [known],
      });
      await watching.heard('DELETED a');
    });
  }

  it('a watch that is silent, with its connection open, is begun again', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    await using watching = new Watching(use.client, { silenceMs: 300 });
    await watching.heard('ADDED a');
    kube.silent = true;
    mark(kube, 'a', '1');
    await kube.seen({ verb: 'watch' }, 2);
    kube.silent = false;
    await watching.heard('ADDED a', 'MODIFIED a=1');
  });

  for (const status of [429, 500, 503]) {
    it(`a server that answers a watch with ${status} is asked again`, async () => {
      await using kube = await FakeKube.start();
      await using use = await clientOf(kube);
      kube.fail({ verb: 'watch' }, { status, headers: status === 429 ? { 'retry-after': '0' } : {} }, 2);
      addRun(kube, 'a');
      await using watching = new Watching(use.client);
      await watching.heard('ADDED a');
      assert.equal(kube.count({ verb: 'watch' }), 3);
    });
  }

  it('an error within a watch that is not 410 is no reason to list, and asked again more and more slowly', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    const { metadata } = addRun(kube, 'a');
    kube.errorEvent = { code: 500, message: 'etcdserver: request timed out' };
    await using watching = new Watching(use.client, { resourceVersion: metadata.resourceVersion });
    await kube.seen({ verb: 'watch' }, 2);
    mark(kube, 'a', '1');
    await watching.heard('MODIFIED a=1');
    assert.equal(kube.count({ verb: 'list' }), 0);
  });

  it('a server that is restarted is watched again', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    await using watching = new Watching(use.client);
    await watching.heard('ADDED a');
    await kube.stop();
    mark(kube, 'a', '1');
    await kube.listen();
    await watching.heard('ADDED a', 'MODIFIED a=1');
  });

  it('a server that has just been started may refuse for a moment what it has allowed', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    await using watching = new Watching(use.client);
    await watching.heard('ADDED a');
    kube.fail({ verb: 'watch' }, { status: 403 }, 2);
    kube.fail({ verb: 'watch' }, { status: 401 }, 2);
    kube.cutWatches();
    mark(kube, 'a', '1');
    await watching.heard('ADDED a', 'MODIFIED a=1');
  });

  it('what RBAC does not allow is an error at once', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    kube.forbid({ verb: 'watch' });
    await using watching = new Watching(use.client);
    assert.ok(hasCode(await watching.ended, 'FORBIDDEN'));
    assert.equal(kube.requests.length, 1);
  });

  it('watches that end as soon as they begin do not become polling', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    kube.emptyWatches = Number.POSITIVE_INFINITY;
    await using _ = new Watching(use.client);
    await kube.seen({ verb: 'watch' }, 2);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.ok(kube.requests.length < 20, `${kube.requests.length} requests`);
  });

  it('nothing is asked while nothing happens', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    addRun(kube, 'a');
    await using watching = new Watching(use.client);
    await watching.heard('ADDED a');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(kube.requests.length, 1);
  });

  it('an abort ends a watch quietly, and its connection', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    await using watching = new Watching(use.client);
    await kube.until(() => kube.watching === 1);
    watching.stop.abort();
    assert.equal(await watching.ended, undefined);
    await kube.until(() => kube.watching === 0);
  });

  it('an abort ends a watch also while its server is away', async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    await use.client.config();
    await kube.stop();
    await using watching = new Watching(use.client);
    await new Promise((resolve) => setTimeout(resolve, 50));
    watching.stop.abort();
    assert.equal(await watching.ended, undefined);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type GcRules, planGc } from '../../kubectl/workspace/gc-plan.ts';
import type { Tagged } from '../../kubectl/workspace/inventory.ts';
import { announcementTag } from '../../runtime/oci/announce.ts';
import { digestOf } from '../../runtime/oci/digest.ts';

const day = 86_400_000;
const now = 100 * day;

/** An announcement for the tag `t` of an image made so many days ago. */
function announced(name: string, parents: readonly string[], days?: number, expiresAfter?: string): Tagged {
  const digest = digestOf(name);
  const created = days === undefined ? undefined : now - days * day;
  const tag = announcementTag('t', digest);
  return {
    tag,
    digest,
    isAnnouncement: true,
    group: 't',
    parents: parents.map(digestOf),
    needs: [],
    created,
    expiresAfter,
  };
}

function tagged(tag: string, name: string): Tagged {
  return { ...announced(name, [], 50), tag, isAnnouncement: false, group: tag };
}

/** Names of what goes, in its order. */
function removed(all: readonly Tagged[], rules: Partial<GcRules> = {}): string[] {
  const names = new Map(['a', 'b', 'c', 'd'].map((name) => [digestOf(name), name]));
  const plan = planGc(all, { tag: undefined, keep: 0, olderThan: undefined, now, ...rules });
  return plan.removals.map(
    (removal) => `${names.get(removal.tagged.digest)}${removal.tagged.isAnnouncement ? '' : ':'}`,
  );
}

describe('what gc removes', () => {
  it('is what others were made from, the oldest first, through all of a merge', () => {
    const all = [announced('d', ['b', 'c']), announced('c', ['a']), announced('b', ['a']), announced('a', [])];
    const order = removed(all);
    assert.deepEqual([order[0], order.slice(1).sort()], ['a', ['b', 'c']]);
    assert.deepEqual(removed(all, { keep: 3 }), ['a']);
    assert.deepEqual(removed(all, { tag: 'other' }), []);
  });

  it('is never the only image that something was made into, as that would be gathered again', () => {
    // The tag itself still names the first one, and would be all that there is.
    const all = [tagged('t', 'a'), announced('a', [], 9), announced('b', ['a'], 8, '1d')];
    assert.deepEqual(removed(all), ['a']);
    assert.deepEqual(removed([...all.slice(1)]), ['a', 'b'], 'with its ancestors it can go');
  });

  it('is of tags that people gave only what their images say, or what was announced for them', () => {
    const release = tagged('release', 'b');
    const all = [tagged('t', 'a'), announced('a', [], 50), release];
    assert.deepEqual(removed(all, { olderThan: 10 * day }).sort(), ['a', 'a:']);
    assert.deepEqual(removed([{ ...release, expiresAfter: '7w' }]), ['b:']);
    assert.deepEqual(removed([{ ...release, expiresAfter: '8w' }]), []);
    assert.deepEqual(removed([{ ...release, expiresAfter: 'never' }]), []);
  });

  it('is nothing whose age is not known', () => {
    const all = [announced('a', [], undefined, '1s')];
    const plan = planGc(all, { tag: undefined, keep: 0, olderThan: day, now });
    assert.deepEqual([plan.removals, plan.ageless, plan.stay], [[], all, all]);
  });
});

import type { Digest } from '../../runtime/oci/digest.ts';
import { formatAge, parseAge } from './expiry.ts';
import type { Tagged } from './inventory.ts';

/** A tag that is to go, and why. */
export interface Removal {
  tagged: Tagged;
  /** For people: `expired 3d ago`. */
  reason: string;
}

export interface GcRules {
  /** Only this tag and what was announced for it. Default: all tags. */
  tag: string | undefined;
  /** Images of a tag that stay in any case, the last ones first. */
  keep: number;
  /** Ms. What was announced longer ago has expired too. */
  olderThan: number | undefined;
  /** Ms since 1970. */
  now: number;
}

export interface GcPlan {
  /** In the order in which they go: what was made from others after them, so that none is gathered again. */
  removals: Removal[];
  stay: Tagged[];
  /** Tags whose images say when they expire, or were to be older than something, but not when they were made. */
  ageless: Tagged[];
}

/** Pushes without a tag are called so. Nobody gathers these: that others were made from them says nothing. */
const ownName = 'workspace';

/**
 * Which tags are to go: those of images that have expired, and announcements of images that another one was made from.
 * A tag that people gave goes where its image says that it has expired, and with its announcement.
 */
export function planGc(all: readonly Tagged[], rules: GcRules): GcPlan {
  const named = new Set(all.filter((one) => !one.isAnnouncement).map(({ tag }) => tag));
  const inScope = all.filter(({ group }) => rules.tag === undefined || group === rules.tag);
  const reasons = new Map<Tagged, string>();
  const ageless: Tagged[] = [];
  for (const members of Map.groupBy(inScope, ({ group }) => group).values()) {
    const order = newestFirst(members);
    const kept = new Set(order.slice(0, rules.keep));
    const announced = new Set(members.filter((one) => one.isAnnouncement).map(({ digest }) => digest));
    const gathers = named.has(members[0]?.group ?? '') || !isOwn(members[0]);
    const superseded = new Set(gathers ? members.flatMap(({ parents }) => parents) : []);
    for (const one of members) {
      if (kept.has(one.digest)) continue;
      const limit = announced.has(one.digest) ? rules.olderThan : undefined;
      const expired = expiryOf(one, limit, rules.now);
      if (expired === 'unknown') ageless.push(one);
      else if (expired !== undefined) reasons.set(one, expired);
      if (!reasons.has(one) && one.isAnnouncement && superseded.has(one.digest)) reasons.set(one, 'superseded');
    }
    keepSuccessors(members, reasons);
  }
  const age = new Map(newestFirst(inScope).map((digest, i) => [digest, i]));
  const removals = [...reasons].map(([tagged, reason]) => ({ tagged, reason }));
  removals.sort((a, b) => (age.get(b.tagged.digest) ?? 0) - (age.get(a.tagged.digest) ?? 0));
  return {
    removals,
    stay: all.filter((one) => !reasons.has(one)),
    ageless: ageless.filter((one) => !reasons.has(one)),
  };
}

/** What stays and was superseded must not be gathered again: one that was made from it stays as well. */
function keepSuccessors(members: readonly Tagged[], reasons: Map<Tagged, string>): void {
  for (let changed = true; changed; ) {
    changed = false;
    const staying = members.filter((one) => !reasons.has(one));
    for (const { digest } of staying) {
      const made = members.filter(({ parents }) => parents.includes(digest));
      const [first] = made;
      if (first === undefined || made.some((one) => !reasons.has(one))) continue;
      reasons.delete(first);
      changed = true;
    }
  }
}

function expiryOf({ created, expiresAfter }: Tagged, olderThan: number | undefined, now: number) {
  const own = expiresAfter === undefined ? undefined : parseAge(expiresAfter);
  if (own === undefined && olderThan === undefined) return undefined;
  if (created === undefined) return 'unknown';
  if (own !== undefined && created + own <= now) return `expired ${formatAge(now - created - own)} ago`;
  if (olderThan !== undefined && created + olderThan <= now) return `made ${formatAge(now - created)} ago`;
  return undefined;
}

function isOwn(tagged: Tagged | undefined): boolean {
  return tagged?.isAnnouncement === true && tagged.tag.startsWith(`${ownName}.`);
}

/** Digests, what was made from others before these; else by time. */
function newestFirst(members: readonly Tagged[]): Digest[] {
  const byDigest = new Map(members.map((one) => [one.digest, one]));
  const waiting = new Map<Digest, number>();
  for (const { parents } of byDigest.values()) {
    for (const parent of parents) waiting.set(parent, (waiting.get(parent) ?? 0) + 1);
  }
  const ready = [...byDigest.values()].filter(({ digest }) => !waiting.has(digest));
  const order: Digest[] = [];
  while (ready.length > 0) {
    ready.sort((a, b) => (b.created ?? 0) - (a.created ?? 0));
    const next = ready.shift();
    if (next === undefined) break;
    order.push(next.digest);
    for (const parent of next.parents) {
      const left = (waiting.get(parent) ?? 1) - 1;
      waiting.set(parent, left);
      const known = byDigest.get(parent);
      if (left === 0 && known !== undefined) ready.push(known);
    }
  }
  return order;
}

import { hasCode, SubpipeError } from '../../runtime/errors.ts';
import { openPlace, type Place } from '../../runtime/workspace/reference.ts';
import type { Output } from '../output.ts';
import { noTag, type Reading } from './context.ts';
import { type GcPlan, type GcRules, planGc, type Removal } from './gc-plan.ts';
import { inventoryOf, type Tagged } from './inventory.ts';
import { jsonText } from './json.ts';
import { rowsText, shortDigest } from './table.ts';

export interface GcOptions extends Omit<GcRules, 'tag' | 'now'> {
  reference: string;
  dryRun: boolean;
  json: boolean;
}

/**
 * Removes the tags of workspaces that have expired or are in others. A tag's name is taken away; where a registry
 * deletes by digest alone, the manifest, unless a tag that stays needs it.
 *
 * @throws SubpipeError `FAILED` where the registry does not delete.
 */
export async function gc(options: GcOptions, reading: Reading, stdout: Output): Promise<number> {
  const { reference, dryRun, json, keep, olderThan } = options;
  const { log, signal } = reading;
  const place = await openPlace(reference, reading.registries);
  const all = await inventoryOf(place, signal);
  const { tag } = place;
  if (tag !== undefined && !all.some(({ group }) => group === tag)) throw await noTag(place, signal);
  const plan = planGc(all, { tag, keep, olderThan, now: Date.now() });
  const done: Removal[] = [];
  try {
    for (const removal of plan.removals) {
      const why = dryRun ? undefined : await remove(place, removal.tagged, plan, done, signal);
      if (why === undefined) done.push(removal);
      else log.warn(`${removal.tagged.tag} stays: ${why}`);
    }
  } finally {
    if (json) stdout.write(jsonText(done.map(jsonOf)));
    else stdout.write(rowsText(done.map(({ tagged, reason }) => [tagged.tag, shortDigest(tagged.digest), reason])));
  }
  if (plan.ageless.length > 0) {
    const names = plan.ageless.slice(0, 5).map((one) => one.tag);
    log.warn(
      `${plan.ageless.length} of the tags may have expired, but their images do not say when they were made (${names.join(', ')}): push with --record=run`,
    );
  }
  log.info(`${done.length} of ${all.length} tags ${dryRun ? 'would be removed' : 'removed'} from ${place.name}`);
  return 0;
}

/** Says why it must stay, where it must. */
async function remove(
  place: Place,
  tagged: Tagged,
  { stay }: GcPlan,
  done: readonly Removal[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { target, name } = place;
  const { tag, digest } = tagged;
  const now = await target.readManifest(tag, { signal, fresh: true }).catch((error: unknown) => {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
  if (now === undefined) return undefined;
  if (now.descriptor.digest !== digest) return 'it names another image since a moment ago';
  if ((await target.deleteTag(tag, { signal })) !== 'unsupported') return undefined;
  const other = stay.find((one) => one.digest === digest || one.needs.includes(digest));
  if (other !== undefined) return `the registry deletes no tag without its manifest, which ${other.tag} needs`;
  if ((await target.deleteManifest(digest, { signal })) !== 'unsupported') return undefined;
  const already = done.length === 0 ? '' : `, after ${done.length} tags`;
  throw new SubpipeError('FAILED', `${name} does not delete, neither tags nor manifests: ${tag} stays${already}`, {
    hint: 'Allow it there (Distribution: REGISTRY_STORAGE_DELETE_ENABLED=true), or remove the tags in its own interface.',
  });
}

function jsonOf({ tagged, reason }: Removal): Record<string, unknown> {
  const { tag, digest, created } = tagged;
  const time = created === undefined ? {} : { created: new Date(created).toISOString() };
  return { tag, digest, reason, ...time };
}

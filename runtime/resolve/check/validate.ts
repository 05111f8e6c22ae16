import { isFields } from '../../shape.ts';
import type { Finding, ResolvedRun } from '../resolved.ts';
import { Findings } from './findings.ts';
import { checkRun } from './run.ts';
import { checkSchema } from './schema.ts';

/**
 * Checks a resolved run as Tekton v1.15 with its default configuration would, without a cluster: its fields and their types by
 * Tekton's CRDs, and the rules of its webhook and of the start of a run. All findings, by file and line.
 *
 * An `error` is refused by Tekton. A `warning` is taken, or taken where the cluster's feature flags say so, but cannot be meant.
 */
export async function validate(run: ResolvedRun): Promise<Finding[]> {
  const findings = new Findings();
  await checkSchema(run.run, findings);
  const fields: unknown = run.run;
  if (isFields(fields)) checkRun(fields, findings);
  return findings.of(run);
}

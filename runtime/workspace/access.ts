import { resolve } from 'node:path';
import process from 'node:process';
import { SubpipeError } from '../errors.ts';

/**
 * Adds what to do to an error of the kernel about files of a folder: it says neither who runs the step, nor what of a pod
 * decides that. Other errors, and those that have a hint, stay as they are.
 *
 * @param user The user who runs the step. Default: the process's.
 */
export function withAccessHint(error: unknown, folder: string, user = process.geteuid?.()): unknown {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && !chain.includes(at); at = at.cause) chain.push(at);
  if (chain.some((one) => one instanceof SubpipeError && one.hint !== undefined)) return error;
  const [last] = chain.slice(-1);
  // Errors of other threads have lost their code.
  const code = /^(EACCES|EPERM|EROFS): /.exec(last?.message ?? '')?.[1];
  if (last === undefined || code === undefined || !last.message.includes(resolve(folder))) return error;
  const [first = last] = chain;
  const kind = first instanceof SubpipeError ? first.code : 'FAILED';
  const cause = first === last ? {} : { cause: first.cause };
  return new SubpipeError(kind, first.message, { ...cause, hint: hintOf(code, user) });
}

function hintOf(code: string, user: number | undefined): string {
  if (code === 'EROFS') {
    return 'A pull needs a workspace that can be written: no readOnly, ConfigMap or Secret.';
  }
  if (user === 0) {
    return 'The step is root without the right to files of others: stepTemplate.securityContext.capabilities can add CHOWN, DAC_OVERRIDE and FOWNER.';
  }
  return `The step runs as user ${user}: let it be the user whose the files are. In a pod, podTemplate.securityContext says so (runAsUser; fsGroup for volumes).`;
}

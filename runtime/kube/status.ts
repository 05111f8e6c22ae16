import { type ErrorCode, SubpipeError } from '../errors.ts';
import { isFields } from '../shape.ts';

/** What a request was for, as RBAC names it. */
export interface Attempt {
  verb: 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';
  /** `pipelineruns.tekton.dev`, `pods/log`. */
  resource: string;
  namespace: string;
  name?: string | undefined;
}

/** The error of a failed request, from its status and the `Status` object in its body (API conventions, "Response Status Kind"). */
export function errorOfStatus(status: number, body: string, attempt: Attempt): SubpipeError {
  const said = messageOf(body) || `HTTP ${status}`;
  const what = `${attempt.verb} ${attempt.resource}${attempt.name === undefined ? '' : ` ${attempt.name}`} in namespace ${attempt.namespace}`;
  const hint = hintOf(status, attempt);
  return new SubpipeError(codeOf(status), `cannot ${what}`, {
    cause: said,
    status,
    ...(hint === undefined ? {} : { hint }),
  });
}

function codeOf(status: number): ErrorCode {
  if (status === 400 || status === 422 || status === 413) return 'INVALID';
  if (status === 401 || status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 409) return 'CONFLICT';
  return 'UNAVAILABLE';
}

function hintOf(status: number, { verb, resource, namespace }: Attempt): string | undefined {
  if (status === 403) {
    return `The service account needs the verb ${verb} on ${resource} in namespace ${namespace}: bind it to the step's Role there.`;
  }
  return status === 401 ? 'The API server does not accept these credentials.' : undefined;
}

function messageOf(body: string): string {
  try {
    const status: unknown = JSON.parse(body);
    if (isFields(status) && typeof status.message === 'string') return status.message;
  } catch {
    // not a Status object: a proxy's page, or nothing
  }
  return body.trim().slice(0, 300);
}

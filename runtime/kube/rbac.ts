/** One rule of a Role: what a step's service account must be allowed. */
export interface Rule {
  apiGroups: readonly string[];
  resources: readonly string[];
  verbs: readonly string[];
}

/** Allows `verbs` on one resource of one API group (`''` is the core group). */
export function allow(group: string, resource: string, verbs: readonly string[]): Rule {
  return { apiGroups: [group], resources: [resource], verbs };
}

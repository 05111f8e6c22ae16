/** A DNS label (RFC 1123): names of pipeline tasks and steps. */
export function isLabel(name: string): boolean {
  return name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name);
}

/** A DNS subdomain (RFC 1123) of at most 63 characters: names of Tekton's objects. */
export function isObjectName(name: string): boolean {
  return name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}

/** What a reference may say: a qualified name, with or without `PREFIX/`. */
export function isQualifiedName(name: string): boolean {
  const parts = name.split('/');
  const last = parts.at(-1) ?? '';
  if (parts.length > 2 || last.length > 63 || !/^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(last)) return false;
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined;
  return prefix === undefined || (prefix.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(prefix));
}

export const labelRule = 'lower case letters, digits and -, at most 63, with a letter or digit at both ends';

/** The name that was probably meant: `, did you mean NAME?`, or nothing where none is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  let best: { candidate: string; steps: number } | undefined;
  for (const candidate of known) {
    const steps = candidate.toLowerCase() === name.toLowerCase() ? 0 : distance(name, candidate);
    if (steps <= Math.max(1, Math.floor(name.length / 3)) && (best === undefined || steps < best.steps)) {
      best = { candidate, steps };
    }
  }
  return best === undefined ? '' : `, did you mean ${best.candidate}?`;
}

/** Letters to add, drop, change or swap with the next (optimal string alignment). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 10 || a.length > 100) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let steps = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        steps = Math.min(steps, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(steps);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

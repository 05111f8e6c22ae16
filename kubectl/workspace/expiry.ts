const units: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Ms of the label `quay.expires-after`, or of `--older-than`: `90m`, `12h`, `3d`, `2w`, `1d12h`. Undefined for others. */
export function parseAge(text: string): number | undefined {
  if (!/^(\d{1,9}[smhdw])+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+)([smhdw])/g)].reduce(
    (sum, part) => sum + Number(part[1]) * (units[part[2] ?? ''] ?? 0),
    0,
  );
}

/** `3d`, `5h`, `20m`: how long ago something was. */
export function formatAge(ms: number): string {
  const [unit, size] = Object.entries(units)
    .filter(([name, size]) => name !== 'w' && ms >= size)
    .at(-1) ?? ['s', 1000];
  return `${Math.max(0, Math.floor(ms / size))}${unit}`;
}

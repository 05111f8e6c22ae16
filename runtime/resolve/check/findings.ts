import type { Document, FieldPath } from '../document.ts';
import type { Finding, ResolvedRun } from '../resolved.ts';

/**
 * What the rules have found. An `error` is what Tekton refuses, when the run is created or as soon as it starts. A `warning` is
 * what Tekton takes, or takes by its configuration, but what cannot be meant.
 */
export class Findings {
  readonly #found: { severity: Finding['severity']; at: FieldPath; message: string }[] = [];

  error(at: FieldPath, message: string): void {
    this.#found.push({ severity: 'error', at, message });
  }

  warning(at: FieldPath, message: string): void {
    this.#found.push({ severity: 'warning', at, message });
  }

  /** By file, line and field, each said once. */
  async of(run: ResolvedRun): Promise<Finding[]> {
    const placed: { finding: Omit<Finding, 'where'>; file: string; line: number }[] = [];
    for (const { severity, at, message } of this.#found) {
      const { document, path } = sourceOf(run, at);
      const line = await document.lineOf(path);
      placed.push({ finding: { severity, message, path: formatPath(at) }, file: document.file, line });
    }
    placed.sort(
      (a, b) =>
        compare(a.file, b.file) ||
        a.line - b.line ||
        compare(a.finding.path, b.finding.path) ||
        compare(a.finding.message, b.finding.message),
    );
    const findings = placed.map(({ finding, file, line }) => ({ ...finding, where: `${file}, line ${line}` }));
    return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
  }
}

/** Where a field of the resolved run was written. */
export function sourceOf(
  run: Pick<ResolvedRun, 'origin' | 'pieces'>,
  at: FieldPath,
): { document: Document; path: FieldPath } {
  let best: ResolvedRun['pieces'][number] | undefined;
  for (const piece of run.pieces) {
    if (!piece.at.every((part, index) => part === at[index])) continue;
    // Of two that are as long, the later one lies further in.
    if (best === undefined || piece.at.length >= best.at.length) best = piece;
  }
  if (best === undefined) return { document: run.origin, path: at };
  return { document: best.document, path: [...best.from, ...at.slice(best.at.length)] };
}

/** `spec.pipelineSpec.tasks[2].params[0]` */
export function formatPath(at: FieldPath): string {
  return at.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

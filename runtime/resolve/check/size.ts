import { isFields } from '../../shape.ts';
import type { FieldPath } from '../document.ts';
import type { Finding, ResolvedRun } from '../resolved.ts';
import { Findings, formatPath, sourceOf } from './findings.ts';

/** etcd's limit of a request (`--max-request-bytes`), which an object with its status must stay below. */
export const objectLimit = 1_572_864;
/** Kubernetes' limit of an object's annotations, names and values together (apimachinery, ValidateAnnotationsSize). */
export const annotationsLimit = 262_144;

/** A part of a run, with its bytes as JSON. */
export interface SizedPart {
  /** As `spec.pipelineSpec.tasks[2].taskSpec`. */
  path: string;
  bytes: number;
  /** The file or URL that it was taken from. */
  file: string;
}

export interface RunSize {
  /** As the API server stores it: JSON. */
  bytes: number;
  annotationBytes: number;
  /** What takes the room, largest first, ten at most; parts of one another are not in it twice. */
  largest: readonly SizedPart[];
  /** Errors over a limit; warnings from 80 % of it on. */
  findings: readonly Finding[];
}

/** How large a resolved run is, against the limits that the API server has. */
export async function sizeOf(resolved: ResolvedRun): Promise<RunSize> {
  const { run } = resolved;
  const metadata: unknown = run.metadata;
  const annotations = isFields(metadata) && isFields(metadata.annotations) ? metadata.annotations : {};
  const bytes = bytesOf(run);
  const notes = Object.entries(annotations)
    .map(([key, value]) => ({ key, bytes: Buffer.byteLength(key) + Buffer.byteLength(String(value)) }))
    .sort((a, b) => b.bytes - a.bytes);
  const annotationBytes = notes.reduce((sum, note) => sum + note.bytes, 0);
  const largest = partsOf(run, resolved).slice(0, 10);
  const findings = new Findings();
  const parts = largest.map(({ path, bytes: size, file }) => `${path} (${size} bytes, ${file})`);
  judge(findings, [], `the run is ${bytes} bytes as JSON`, bytes, objectLimit, parts);
  const [largestNote] = notes;
  judge(
    findings,
    ['metadata', 'annotations', ...(largestNote === undefined ? [] : [largestNote.key])],
    `the annotations are ${annotationBytes} bytes`,
    annotationBytes,
    annotationsLimit,
    notes.map(({ key, bytes: size }) => `${key} (${size} bytes)`),
  );
  return { bytes, annotationBytes, largest, findings: await findings.of(resolved) };
}

/** @param parts Largest first. */
function judge(
  findings: Findings,
  at: FieldPath,
  is: string,
  bytes: number,
  limit: number,
  parts: readonly string[],
): void {
  const room = parts.length === 0 ? '' : `; what takes the room: ${parts.slice(0, 3).join(', ')}`;
  if (bytes > limit) findings.error(at, `${is}: expected at most ${limit}${room}`);
  else if (bytes >= limit * 0.8) findings.warning(at, `${is}, near the limit of ${limit}${room}`);
}

/** Tasks each by itself, and what stands beside them. */
function partsOf(run: unknown, resolved: ResolvedRun): SizedPart[] {
  const parts: SizedPart[] = [];
  const add = (at: FieldPath, value: unknown): void => {
    parts.push({ path: formatPath(at), bytes: bytesOf(value), file: sourceOf(resolved, at).document.file });
  };
  const walk = (value: unknown, at: FieldPath): void => {
    if (!isFields(value)) {
      add(at, value);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      const here = [...at, key];
      if (at.length === 0 && isFields(inner)) walk(inner, here);
      else if (at.length === 1 && key === 'pipelineSpec') walk(inner, here);
      else if ((key === 'tasks' || key === 'finally') && Array.isArray(inner)) {
        inner.forEach((task: unknown, index) => {
          const isEmbedded = isFields(task) && isFields(task.taskSpec);
          add(isEmbedded ? [...here, index, 'taskSpec'] : [...here, index], isEmbedded ? task.taskSpec : task);
        });
      } else add(here, inner);
    }
  };
  walk(run, []);
  return parts.sort((a, b) => b.bytes - a.bytes);
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

import type { PipelineRun } from '../tekton/types.ts';
import type { Document, FieldPath } from './document.ts';
import type { Fetched } from './sources.ts';

/** A part of a resolved run, and the document that it was taken from: the way from a finding back to file and line. */
export interface Piece {
  /** In the resolved run, such as `['spec', 'pipelineSpec', 'tasks', 2, 'taskSpec']`. */
  at: FieldPath;
  document: Document;
  /** In the document, such as `['spec']`. */
  from: FieldPath;
}

/** One self-contained PipelineRun (tekton.dev/v1). */
export interface ResolvedRun {
  /** The PipelineRun's own document. */
  origin: Document;
  run: PipelineRun;
  /** Everything that is not in `.tekton` itself, in the order of its names. */
  fetched: readonly Fetched[];
  /** Outermost first; the longest `at` that begins a path says where the path comes from. */
  pieces: readonly Piece[];
}

/** Something that a check found. */
export interface Finding {
  severity: 'error' | 'warning';
  /** One sentence: which field, what was expected, what came. */
  message: string;
  /** `FILE, line 14`. */
  where: string;
  /** Path in the resolved run, as `spec.pipelineSpec.tasks[2].params[0]`. */
  path: string;
}

import type { Row } from './row.ts';

/** What a bench is given. */
export interface BenchOptions {
  env: NodeJS.ProcessEnv;
  /** How often what takes seconds is measured; quick things are measured more often. */
  rounds: number;
  /** Of the size of what is measured, for a quick look. 1 is all of it. */
  scale: number;
  /** Only these parts of the bench. Unset: all. */
  only: readonly string[] | undefined;
  /** Aborts on SIGINT and SIGTERM: the bench then cleans up and throws the reason. */
  signal: AbortSignal;
  /** Progress for people. */
  say: (text: string) => void;
}

/** What a bench found out. */
export interface Findings {
  rows: Row[];
  /** Paragraphs below the table: where the time goes. */
  notes: string[];
  /** What could not be measured, and why. */
  failures: string[];
}

/** One bench: `npm run bench -- NAME`. */
export interface Bench {
  summary: string;
  /** The parts that `--only` picks from. */
  parts: readonly string[];
  /** Default of `--rounds`. Default 5. */
  rounds?: number;
  run(options: BenchOptions): Promise<Findings>;
}

import type { Bench } from './bench.ts';
import { ociBench } from './oci/bench.ts';
import { subpipeBench } from './subpipe/bench.ts';

/** Every bench by its name. */
export const benches: Readonly<Record<string, Bench>> = {
  subpipe: subpipeBench,
  oci: ociBench,
};

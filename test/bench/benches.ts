import type { Bench } from './bench.ts';
import { ociBench } from './oci/bench.ts';
import { pacBench } from './pac/bench.ts';
import { subpipeBench } from './subpipe/bench.ts';

/** Every bench by its name. */
export const benches: Readonly<Record<string, Bench>> = {
  pac: pacBench,
  subpipe: subpipeBench,
  oci: ociBench,
};

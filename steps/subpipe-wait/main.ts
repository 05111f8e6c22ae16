import { main } from '../../runtime/main.ts';
import { subpipeWait } from './step.ts';

main(subpipeWait);

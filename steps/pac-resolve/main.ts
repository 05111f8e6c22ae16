import { main } from '../../runtime/main.ts';
import { pacResolve } from './step.ts';

main(pacResolve);

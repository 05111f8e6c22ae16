import { main } from '../../runtime/main.ts';
import { subpipeTrigger } from './step.ts';

main(subpipeTrigger);

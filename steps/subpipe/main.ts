import { main } from '../../runtime/main.ts';
import { subpipe } from './step.ts';

main(subpipe);

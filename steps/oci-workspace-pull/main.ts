import { main } from '../../runtime/main.ts';
import { ociWorkspacePull } from './step.ts';

main(ociWorkspacePull);

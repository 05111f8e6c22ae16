import { main } from '../../runtime/main.ts';
import { ociWorkspacePush } from './step.ts';

main(ociWorkspacePush);

import { endToEnd } from './run.ts';

process.exit(await endToEnd(process.argv.slice(2)));

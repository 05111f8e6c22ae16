import { imagesCommand } from './command.ts';

// A connection that is kept for another request must not keep the process.
process.exit(await imagesCommand(process.argv.slice(2), process.env));

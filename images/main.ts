import { imagesCommand } from './command.ts';

process.exitCode = await imagesCommand(process.argv.slice(2), process.env);

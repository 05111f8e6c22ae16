import { generateCommand } from './command.ts';

process.exitCode = await generateCommand(process.argv.slice(2));

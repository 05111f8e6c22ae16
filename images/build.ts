import { buildCommand } from './bundle-command.ts';

process.exitCode = await buildCommand(process.argv.slice(2));

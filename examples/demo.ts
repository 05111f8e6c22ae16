import { demoCommand } from './demo/command.ts';

process.exit(await demoCommand(process.argv.slice(2), process.env));

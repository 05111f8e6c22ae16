import process from 'node:process';
import { benchCommand } from './command.ts';

process.exit(await benchCommand(process.argv.slice(2), process.env));

import path from 'node:path';
import process from 'node:process';
import { linkProgram } from './link.ts';

// Windows wants scripts in place of links: there, npm link does it.
if (process.platform !== 'win32') await linkProgram(path.join(import.meta.dirname, '..'));

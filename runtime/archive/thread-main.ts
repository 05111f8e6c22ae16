// The program of a thread. It knows how to pack layers and how to write files, and is told which.
import { parentPort } from 'node:worker_threads';
import { serveWriting } from './extract/aside.ts';
import { servePacking } from './pack/pack-thread.ts';

if (parentPort !== null) {
  servePacking(parentPort);
  serveWriting(parentPort);
}

// The program of a thread. It knows how to look into folders, to pack layers and to write files, and is told which.
import { parentPort } from 'node:worker_threads';
import { serveWriting, type WriteQuestion } from './extract/aside.ts';
import { type PackQuestion, servePacking } from './pack/pack-thread.ts';
import { type ScanQuestion, serveScanning } from './tree/scan-thread.ts';

if (parentPort !== null) {
  const scan = serveScanning(parentPort);
  const pack = servePacking(parentPort);
  parentPort.on('message', (question: ScanQuestion | PackQuestion | WriteQuestion) => {
    switch (question.kind) {
      case 'scan':
        return scan(question);
      case 'pack':
      case 'more':
        return pack(question);
      case 'write':
      case 'finish':
        return serveWriting(question);
      default:
        return question satisfies never;
    }
  });
}

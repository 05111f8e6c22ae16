// Asks the peer for all cases and keeps what it answers: `npm run record:peer`. Needs Go, and minutes for the first build.
import { writeFileSync } from 'node:fs';
import { recordings } from './recordings.ts';

for (const { file, ask } of recordings) {
  const answers = Object.entries(await ask(new AbortController().signal));
  const lines = answers.map(([name, answer]) => `${JSON.stringify(name)}: ${JSON.stringify(answer)}`);
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
}

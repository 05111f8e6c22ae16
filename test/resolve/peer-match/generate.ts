// Asks Pipelines-as-Code for all cases and writes answers.json. Needs Go, and minutes for the first build:
//   nice -n 15 go build -o ../../../.cache/peer-match . && node generate.ts ../../../.cache/peer-match
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cases } from './cases.ts';

const [, , program = 'peer-match'] = process.argv;
const { stdout, stderr, status } = spawnSync(program, {
  input: JSON.stringify(cases),
  encoding: 'utf8',
  maxBuffer: 2 ** 28,
});
if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
const answers: unknown = JSON.parse(stdout);
if (!Array.isArray(answers) || answers.length !== cases.length) throw new Error('not one answer a case');
const lines = answers.map((answer, index) => `${JSON.stringify(cases[index]?.name)}: ${JSON.stringify(answer)}`);
if (new Set(cases.map(({ name }) => name)).size !== cases.length) throw new Error('two cases have the same name');
writeFileSync(new URL('answers.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);

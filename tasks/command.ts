import { generate } from './generate.ts';

/** `npm run generate`, or with `--check` only whether it would change something. Gives the exit code. */
export async function generateCommand(argv: string[]): Promise<number> {
  const check = argv.includes('--check');
  const differing = await generate(check);
  for (const file of differing) process.stderr.write(`${file} ${check ? 'differs from its source' : 'written'}\n`);
  if (!check || differing.length === 0) return 0;
  process.stderr.write('Run: npm run generate\n');
  return 1;
}

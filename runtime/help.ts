import { flagsOf } from './flags.ts';
import { kebab } from './params.ts';
import type { StepDefinition } from './step.ts';

/** The text of `--help`. */
export function helpOf(step: StepDefinition): string {
  const rows = Object.entries(flagsOf(step)).map(([name, param]) => {
    const short = step.replaces === undefined || param.short === undefined ? '' : `-${param.short}, `;
    const left =
      param.type === 'array' && short === '' ? `-- ${param.form}...` : `${short}--${kebab(name)}=${param.form}`;
    const standard = typeof param.default === 'string' ? ` (default ${param.default})` : '';
    return [left, `${param.description}${param.required ? ' (required)' : standard}`] as const;
  });
  const results = Object.entries(step.results).map(([name, result]) => {
    return [`--result.${kebab(name)}=PATH`, `Where to write: ${result.description}`] as const;
  });
  const other = [['--help', 'This text.'] as const, ['--version', 'The version.'] as const];
  return [
    `${step.name}: ${step.summary}`,
    ...(step.description === undefined ? [] : ['', step.description]),
    '',
    'Flags:',
    ...table([...rows, ...other]),
    ...(results.length === 0
      ? []
      : ['', 'Results (without a path they are printed as one JSON object):', ...table(results)]),
    '',
    step.replaces === undefined
      ? 'Exit codes: 0 done, 1 what it was asked to do failed, 2 bad input, 3 an outside service failed for good.'
      : `Exit codes: 0 done, 1 it failed, as ${step.replaces} has them.`,
    '',
  ].join('\n');
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) =>
    left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`,
  );
}

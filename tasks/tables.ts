import { commonParams } from '../runtime/flags.ts';
import { isNeeded } from '../runtime/manifest.ts';
import { kebab, type Param } from '../runtime/params.ts';
import type { StepDefinition } from '../runtime/step.ts';

/** Params, results, workspaces and rights of a step as Markdown tables. */
export function tablesOf(step: StepDefinition): string {
  const params = Object.entries({ ...step.params, ...commonParams });
  const parts = [
    section(
      'Params',
      ['param', 'type', 'default', 'meaning'],
      params.map(([name, param]) => paramRow(name, param)),
    ),
    section(
      'Results',
      ['result', 'type', 'meaning'],
      Object.entries(step.results).map(([name, result]) => [code(kebab(name)), result.type, result.description]),
    ),
    section(
      'Workspaces',
      ['workspace', 'meaning'],
      Object.entries(step.workspaces ?? {}).map(([name, workspace]) => [
        code(name),
        isNeeded(step, name) ? workspace.description : `${workspace.description} Optional.`,
      ]),
    ),
    section(
      'Rights',
      ['API group', 'resource', 'verbs'],
      (step.rbac ?? []).map((rule) => [
        rule.apiGroups.map((group) => code(group || 'core')).join(', '),
        rule.resources.map(code).join(', '),
        rule.verbs.join(', '),
      ]),
    ),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function paramRow(name: string, param: Param<unknown>): string[] {
  const bound = param.bound === undefined || param.bound === '' ? undefined : `${code(param.bound)} in the Task`;
  const standard = param.required
    ? ['required', ...(bound === undefined ? [] : [bound])].join('; ')
    : (bound ?? shown(param.default));
  const only = param.bound === '' ? ' (StepAction and command line only)' : '';
  return [
    code(kebab(name)),
    param.type === 'array' ? 'array' : code(param.form),
    standard,
    `${param.description}${only}`,
  ];
}

function shown(value: string | string[] | undefined): string {
  return typeof value === 'string' && value !== '' ? code(value) : '';
}

function section(title: string, head: string[], rows: string[][]): string {
  if (rows.length === 0) return '';
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `### ${title}\n\n${line(head)}\n${line(head.map(() => '---'))}\n${rows.map(line).join('\n')}\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}

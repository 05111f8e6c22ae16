/** A `$(params.…)` in a text (docs/variables.md). */
export interface ParamReference {
  /** As written, with `$(` and `)`. */
  text: string;
  param: string;
  /** Of an object. Only the dotted form has one: in brackets a dot belongs to the name. */
  key: string | undefined;
  /** `[*]` or `[2]`. */
  pick: '*' | number | undefined;
  /** More dots than a name and a key: Tekton refuses it. */
  isTooDeep: boolean;
}

/** A `$(tasks.…)` or `$(finally.…)` that asks for a result. */
export interface ResultReference {
  text: string;
  from: 'tasks' | 'finally';
  task: string;
  result: string;
  key: string | undefined;
  pick: '*' | number | undefined;
}

const anyVariable = /\$\(([_a-zA-Z0-9.-]+(?:\[(?:\d+|\*)\])?)\)/g;

/** What stands between `$(` and `)` in a text, where it is a variable of Tekton's by its letters: `tasks.build.results.tag[0]`. */
export function expressionsIn(text: string): string[] {
  return [...text.matchAll(anyVariable)].map((match) => match[1] ?? '');
}

/** The params that a text asks for, in the three ways there are: `.name`, `["name"]`, `['name']`. */
export function paramReferences(text: string): ParamReference[] {
  return namesUnder(text, 'params').map(({ text: written, name, isDotted, pick }) => {
    const [param = '', key, ...more] = isDotted ? name.split('.') : [name];
    return { text: written, param, key, pick, isTooDeep: more.length > 0 };
  });
}

/** A name in a text under a prefix such as `context.task` or `results`: `$(context.task.name)` gives `name`. */
export interface NameReference {
  text: string;
  name: string;
  isDotted: boolean;
  pick: '*' | number | undefined;
}

export function namesUnder(text: string, prefix: string): NameReference[] {
  if (!text.includes(`$(${prefix}`)) return [];
  const before = prefix.replaceAll('.', '\\.');
  const pattern = new RegExp(
    `\\$\\(${before}(?:\\.(?<dotted>[^\\n]*?)|\\["(?<double>[^\\n]*?)"\\]|\\['(?<single>[^\\n]*?)'\\])(?:\\[(?<pick>\\d*|\\*)\\])?\\)`,
    'g',
  );
  return [...text.matchAll(pattern)].map(({ 0: written, groups = {} }) => {
    const { dotted, double, single, pick } = groups;
    return {
      text: written,
      name: dotted ?? double ?? single ?? '',
      isDotted: dotted !== undefined,
      pick: pickOf(pick),
    };
  });
}

/** The results of other tasks that a text asks for. What looks nearly like one is none, as in Tekton. */
export function resultReferences(text: string): ResultReference[] {
  return expressionsIn(text).flatMap((expression) => {
    const parts = expression.split('.');
    const [from, task = '', results, last = '', key] = parts;
    if ((from !== 'tasks' && from !== 'finally') || results !== 'results' || parts.length > 5) return [];
    if (parts.length < 4) return [];
    const pick = /\[(\d*|\*)\]$/.exec(last)?.[1];
    const result = last.replace(/\[(\d*|\*)\]$/, '');
    return [{ text: `$(${expression})`, from, task, result, key, pick: pickOf(pick) }];
  });
}

function pickOf(pick: string | undefined): '*' | number | undefined {
  if (pick === undefined || pick === '') return undefined;
  return pick === '*' ? '*' : Number(pick);
}

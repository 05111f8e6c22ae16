import type { ASTNode, Environment as CelEnvironment } from '@marcbachmann/cel-js';
import { invalid } from '../../errors.ts';
import { isFields } from '../../shape.ts';
import { within } from './deadline.ts';
import { regexCompiler } from './regex.ts';

/** What an expression sees: each name a string or a map. */
export type CelVariables = Readonly<
  Record<string, string | Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>>
>;

/** A CEL evaluator for some variables. */
export interface Cel {
  /**
   * The expression's value: `bigint` for int, `number` for double, `Map` or object for maps, arrays, strings, booleans, `null`.
   * Its types are checked first, as cel-go does: `event == 1` is an error, not `false`.
   * @throws SubpipeError `INVALID`: it cannot be read, is badly typed, reads what is not there, or takes too long.
   */
  evaluate(expression: string): unknown;
}

/** For all expressions of one evaluator together. */
const enough = 5_000;
const longest = 20_000;

/** The functions of cel-go's standard library, which is all that Pipelines-as-Code has; the npm library has more. */
const standard = new Set(
  `size contains startsWith endsWith matches has all exists exists_one map filter
  int uint double string bytes bool dyn type timestamp duration
  getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear getHours getMinutes getMonth getSeconds getMilliseconds`.split(
    /\s+/,
  ),
);

/**
 * CEL as Pipelines-as-Code has it (cel-go's standard library and `"GLOB".pathChanged()`), over these variables. The CEL library is read
 * on the first call.
 *
 * Regular expressions are RE2's, not JavaScript's: the library's own `matches` is replaced.
 */
export async function celOf(
  variables: CelVariables,
  pathChanged?: (glob: string) => boolean,
  milliseconds = enough,
): Promise<Cel> {
  const [{ Environment }, compile] = await Promise.all([import('@marcbachmann/cel-js'), regexCompiler()]);
  const env = new Environment({ homogeneousAggregateLiterals: false, limits: { maxDepth: 200, maxAstNodes: 20_000 } });
  for (const [name, value] of Object.entries(variables)) {
    env.registerVariable(name, typeof value === 'string' ? 'string' : 'map<string, dyn>');
  }
  const matches = (text: string, form: string) => compile(form).test(text);
  env.registerFunction('string.matchesRe2(string): bool', matches);
  env.registerFunction('matchesRe2(string, string): bool', matches);
  if (pathChanged !== undefined) env.registerFunction('string.pathChanged(): bool', pathChanged);
  const allowed = pathChanged === undefined ? standard : new Set([...standard, 'pathChanged']);
  let left = milliseconds;
  return {
    evaluate(expression) {
      const what = `the CEL expression ${JSON.stringify(shortened(expression))}`;
      if (expression.length > longest) throw invalid(`${what} is longer than ${longest} characters`);
      const start = performance.now();
      try {
        return within(Math.max(1, Math.ceil(left)), what, () => evaluate(env, expression, variables, allowed, what));
      } finally {
        left -= performance.now() - start;
      }
    },
  };
}

function evaluate(
  env: CelEnvironment,
  expression: string,
  variables: CelVariables,
  allowed: ReadonlySet<string>,
  what: string,
): unknown {
  try {
    const parsed = env.parse(withRe2(expression, env.parse(expression).ast, allowed));
    const checked = parsed.check();
    if (!checked.valid) throw checked.error ?? new Error('its types do not fit');
    return parsed({ ...variables });
  } catch (error) {
    throw invalid(`${what} has no value: ${firstLine(error)}`);
  }
}

/** The expression with `matches` called by our own name: the library lets nobody replace a function of its own. */
function withRe2(expression: string, ast: ASTNode, allowed: ReadonlySet<string>): string {
  const places: number[] = [];
  visit(ast, (node) => {
    if (node.op === 'call' || node.op === 'rcall') {
      const name = node.args[0];
      if (!allowed.has(name)) throw new Error(`undeclared reference to '${name}'`);
      if (name !== 'matches') return;
      const from = node.op === 'call' ? node.range.start : node.args[1].range.end;
      const found = /\bmatches\b/.exec(expression.slice(from, node.range.end));
      if (found === null) throw new Error("cannot find the name 'matches' of a call");
      places.push(from + found.index);
    }
  });
  let text = expression;
  for (const place of places.sort((a, b) => b - a)) {
    text = `${text.slice(0, place)}matchesRe2${text.slice(place + 'matches'.length)}`;
  }
  return text;
}

function visit(node: ASTNode, see: (node: ASTNode) => void): void {
  see(node);
  const below = (value: unknown): void => {
    if (Array.isArray(value)) for (const entry of value) below(entry);
    else if (isNode(value)) visit(value, see);
  };
  below(node.args);
}

function isNode(value: unknown): value is ASTNode {
  return isFields(value) && typeof value.op === 'string' && 'args' in value;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

function shortened(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

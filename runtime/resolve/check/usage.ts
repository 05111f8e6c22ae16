import { namesUnder, paramReferences } from '../../tekton/variables.ts';
import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { didYouMean } from './names.ts';
import type { Scope } from './scope.ts';

/** How a text may ask for params that are no single text. */
export type Place =
  /** Not at all: `script`, `image`, `env`. */
  | 'text'
  /** A whole array as all of the text: an element of `args` or of an array. */
  | 'element'
  /** A whole array or object as all of the text: a param's value. */
  | 'value';

/** The params that are known where a text stands, and how sure an unknown one is an error. */
export interface Known {
  scope: Scope;
  /** All names that the webhook knows at this place. It mixes the params of all tasks. Undefined: it does not look here. */
  webhook: ReadonlySet<string> | undefined;
  /** For messages: `the Pipeline`, `the Task of build`. */
  owner: string;
}

/** Checks each `$(params.…)` of a text (docs/variables.md; docs/pipelines.md, Specifying Parameters). */
export function checkParams(text: string, at: FieldPath, place: Place, known: Known, findings: Findings): void {
  for (const { text: written, param, key, pick, isTooDeep } of paramReferences(text)) {
    if (isTooDeep) {
      findings.error(
        at,
        `${written} has too many dots: expected $(params.NAME) or $(params.NAME.KEY), or $(params["NAME"])`,
      );
      continue;
    }
    const found = known.scope.get(param);
    const isRefused = known.webhook !== undefined && !known.webhook.has(param);
    if (found === undefined) {
      const meant = didYouMean(param, known.scope.keys());
      const say = isRefused ? 'error' : 'warning';
      findings[say](at, `${written} asks for the param ${param}, which ${known.owner} does not know${meant}`);
      continue;
    }
    const complain = (message: string): void => {
      if (known.webhook === undefined) findings.warning(at, message);
      else findings.error(at, message);
    };
    const isAlone = written === text;
    if (found.type === 'object') {
      if (key !== undefined) {
        if (found.keys !== undefined && !found.keys.has(key)) {
          complain(
            `${written} asks for the key ${key}, which the object param ${param} lacks${didYouMean(key, found.keys)}`,
          );
        }
      } else if (!(place === 'value' && isAlone && pick === '*')) {
        complain(`${written} is a whole object: expected one key of it, as $(params.${param}.KEY)`);
      }
    } else if (found.type === 'array' && typeof pick === 'number') {
      // An index beyond the end stops the run as it starts.
      if (found.length !== undefined && pick >= found.length) {
        findings.error(at, `${written} is beyond the end: the array param ${param} has ${found.length} elements`);
      }
    } else if (found.type === 'array' && key === undefined) {
      const mayStand = place === 'text' ? false : isAlone && (place === 'element' || pick === '*');
      if (!mayStand) {
        const reason = place === 'text' ? 'expected one element of it' : 'expected nothing else beside it';
        complain(`${written} is a whole array: ${reason}, as $(params.${param}[${place === 'text' ? '0' : '*'}])`);
      }
    }
  }
}

/** Checks the names under a prefix such as `context.taskRun` against the names that there are. */
export function checkNames(
  text: string,
  at: FieldPath,
  prefix: string,
  names: readonly string[],
  complain: (at: FieldPath, message: string) => void,
): void {
  for (const { text: written, name, isDotted } of namesUnder(text, prefix)) {
    const first = isDotted ? (name.split('.')[0] ?? '') : name;
    if (names.includes(first.replace(/\[(\d*|\*)\]$/, ''))) continue;
    const known = names.map((one) => `$(${prefix}.${one})`).join(', ') || 'none';
    complain(at, `${written} does not exist${didYouMean(first, names)}: expected ${known}`);
  }
}

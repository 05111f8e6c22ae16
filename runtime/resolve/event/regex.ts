import type { RE2JS } from 're2js';
import { invalid } from '../../errors.ts';

/** Compiles expressions in RE2's syntax, which Go's `regexp` and CEL's `matches` have too. */
export type CompileRegex = (expression: string) => { test(text: string): boolean };

/**
 * RE2 expressions: they answer in time linear in the text, whatever a repository has written. The library is read on the first call.
 * The function it gives throws SubpipeError `INVALID` for an expression that is none.
 */
export async function regexCompiler(): Promise<CompileRegex> {
  const { RE2JS } = await import('re2js');
  return (expression) => {
    let compiled: RE2JS;
    try {
      compiled = RE2JS.compile(expression);
    } catch (error) {
      throw invalid(`the regular expression ${JSON.stringify(expression)} cannot be read (RE2 syntax)`, {
        cause: error,
      });
    }
    return { test: (text) => compiled.test(text) };
  };
}

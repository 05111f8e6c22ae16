import { invalid } from '../../errors.ts';

/** A glob's parts, in order. `any` is `*`: any text, slashes too. */
type Part =
  | { kind: 'text'; text: readonly string[] }
  | { kind: 'one' }
  | { kind: 'any' }
  | { kind: 'set'; not: boolean; has: (rune: string) => boolean }
  | { kind: 'either'; choices: readonly (readonly Part[])[] };

/** A pattern that answers in time linear in the text. */
export interface Glob {
  test(text: string): boolean;
}

/** A hundred braces in a row are no pattern that anybody writes. */
const deepest = 20;

/**
 * Globs as in the peer (gobwas/glob with no separators): `*`, `**` and `***` are any text with its slashes, `?` one character,
 * `[abc]`, `[!abc]`, `[a-z]`, `{one,two}`, `\` takes the next character as it is.
 *
 * A pattern is matched by keeping the set of places that it may have come to: no pattern makes it slow.
 *
 * @throws SubpipeError `INVALID` for brackets without an end, and for a range that goes backwards.
 */
export function glob(pattern: string): Glob {
  const parts = new Reader(pattern).all();
  return {
    test(text) {
      const runes = [...text];
      return places(parts, new Set([0]), runes).has(runes.length);
    },
  };
}

function places(parts: readonly Part[], from: ReadonlySet<number>, runes: readonly string[]): ReadonlySet<number> {
  let at = from;
  for (const part of parts) {
    if (at.size === 0) return at;
    at = after(part, at, runes);
  }
  return at;
}

function after(part: Part, from: ReadonlySet<number>, runes: readonly string[]): ReadonlySet<number> {
  const to = new Set<number>();
  switch (part.kind) {
    case 'any': {
      for (let place = least(from); place <= runes.length; place++) to.add(place);
      return to;
    }
    case 'either': {
      for (const choice of part.choices) for (const place of places(choice, from, runes)) to.add(place);
      return to;
    }
    case 'text': {
      for (const place of from) {
        if (part.text.every((rune, index) => runes[place + index] === rune)) to.add(place + part.text.length);
      }
      return to;
    }
    case 'one':
    case 'set': {
      for (const place of from) {
        const rune = runes[place];
        if (rune !== undefined && (part.kind === 'one' || part.has(rune) !== part.not)) to.add(place + 1);
      }
      return to;
    }
    default:
      return part satisfies never;
  }
}

function least(places: ReadonlySet<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const place of places) least = Math.min(least, place);
  return least;
}

class Reader {
  readonly #pattern: string;
  readonly #runes: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#runes = [...pattern];
  }

  all(): readonly Part[] {
    return this.#sequence(0);
  }

  #sequence(depth: number): readonly Part[] {
    const parts: Part[] = [];
    for (let rune = this.#runes[this.#at]; rune !== undefined; rune = this.#runes[this.#at]) {
      if (depth > 0 && (rune === ',' || rune === '}')) break;
      parts.push(this.#part(rune, depth));
    }
    return parts;
  }

  #part(rune: string, depth: number): Part {
    if (rune === '*') {
      while (this.#runes[this.#at] === '*') this.#at++;
      return { kind: 'any' };
    }
    if (rune === '?') {
      this.#at++;
      return { kind: 'one' };
    }
    if (rune === '[') return this.#set();
    if (rune === '{') return this.#either(depth);
    return { kind: 'text', text: this.#text(depth > 0 ? '?*[{},' : '?*[{') };
  }

  #either(depth: number): Part {
    if (depth >= deepest) throw this.#wrong(`has braces more than ${deepest} deep`);
    const choices: (readonly Part[])[] = [];
    do {
      this.#at++;
      choices.push(this.#sequence(depth + 1));
    } while (this.#runes[this.#at] === ',');
    // A list of an annotation is split at its commas, so that [{main,dev}] comes here as {main and dev}: the peer takes both.
    if (this.#runes[this.#at] === '}') this.#at++;
    return { kind: 'either', choices };
  }

  #set(): Part {
    this.#at++;
    const not = this.#runes[this.#at] === '!';
    if (not) this.#at++;
    const [low, dash, high, end] = this.#runes.slice(this.#at, this.#at + 4);
    if (low !== undefined && dash === '-') {
      if (high === undefined || end !== ']') throw this.#wrong('has a [ without its ], or more than one range in it');
      if (high < low) throw this.#wrong(`has the range ${low}-${high}, which goes backwards`);
      this.#at += 4;
      return { kind: 'set', not, has: (rune) => rune >= low && rune <= high };
    }
    const runes = new Set(this.#text(']'));
    if (this.#runes[this.#at] !== ']') throw this.#wrong('has a [ without its ]');
    if (runes.size === 0) throw this.#wrong('has nothing between [ and ]');
    this.#at++;
    return { kind: 'set', not, has: (rune) => runes.has(rune) };
  }

  #text(breakers: string): readonly string[] {
    const text: string[] = [];
    for (
      let rune = this.#runes[this.#at];
      rune !== undefined && !breakers.includes(rune);
      rune = this.#runes[this.#at]
    ) {
      this.#at++;
      if (rune !== '\\') text.push(rune);
      else if (this.#at < this.#runes.length) text.push(this.#runes[this.#at++] ?? '');
    }
    return text;
  }

  #wrong(what: string) {
    return invalid(`the glob ${JSON.stringify(this.#pattern)} ${what}`);
  }
}

/** The least and the greatest whole number that the API server's reader keeps as one (int64, uint64). */
const least = -(2n ** 63n);
const greatest = 2n ** 64n - 1n;

const words = new Map<string, boolean | null | number>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

const wholeNumber = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/;
const anyNumber = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

/** First characters of scalars that may be something else than text. */
const special = new Set('yYnNtTfFoO~.+-0123456789');

/**
 * What a plain (unquoted) scalar means to the API server (sigs.k8s.io/yaml on go.yaml.in/yaml/v2): YAML 1.1 booleans, octals
 * and underscores; `1e3` is a number; times and sexagesimals are text. `undefined` where it is text.
 *
 * A whole number that JavaScript cannot hold is given as its digits.
 */
export function plainScalar(text: string): boolean | null | number | string | undefined {
  if (text !== '' && !special.has(text.charAt(0))) return undefined;
  const word = words.get(text);
  if (word !== undefined) return word;
  const plain = text.charAt(0) === '.' ? text : text.replaceAll('_', '');
  const whole = wholeNumber.exec(plain);
  if (whole !== null) {
    const value = wholeOf(whole[2] ?? '', whole[1] === '-');
    if (value !== undefined) return value;
  }
  return anyNumber.test(plain) ? Number(plain) : undefined;
}

function wholeOf(digits: string, negative: boolean): number | string | undefined {
  const octal = /^0[0-7]+$/.test(digits);
  const small = Number(octal ? `0o${digits.slice(1)}` : digits);
  if (Number.isSafeInteger(small)) return negative && small !== 0 ? -small : small;
  const size = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  const value = negative ? -size : size;
  return value < least || value > greatest ? undefined : String(value);
}

/** YAML 1.1's base 60 (`12:30:45`, `1:30.5`) and dates: text to the API server, but not to every reader. */
const elsewhere =
  /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$|^0o|^<<$|^=$/;

/** Whether a text must be quoted to stay text, in this dialect and in YAML 1.2. */
export function looksSpecial(text: string): boolean {
  return plainScalar(text) !== undefined || elsewhere.test(text);
}

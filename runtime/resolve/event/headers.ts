import { invalid } from '../../errors.ts';
import { isFields } from '../../shape.ts';

/** Headers by name, as they came. */
export type Headers = Readonly<Record<string, string>>;

/**
 * Headers from a text: JSON (`{"X-GitHub-Event": "push"}`, a list's first value counts), or `Name: value` lines as in HTTP.
 * @throws SubpipeError `INVALID` that names `where` and the line.
 */
export function parseHeaders(text: string, where: string): Headers {
  if (text.trimStart().startsWith('{')) return headersFromJson(text, where);
  const headers: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1)
      throw invalid(
        `${where}, line ${index + 1}: expected "Name: value", but came ${JSON.stringify(line.slice(0, 80))}`,
      );
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return headers;
}

function headersFromJson(text: string, where: string): Headers {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`${where} is not valid JSON`, { cause: error });
  }
  if (!isFields(json)) throw invalid(`${where} must be an object of headers`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof first !== 'string') throw invalid(`${where}: the header ${name} must be a string or a list of strings`);
    headers[name] = first;
  }
  return headers;
}

/** A header's value, whatever the case of its name. */
export function header(headers: Headers, name: string): string | undefined {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/**
 * Headers as CEL sees them in a template: under Go's canonical names (`X-Github-Event`), as in Pipelines-as-Code. They are found in
 * lower case and as they were sent too, but only listed once.
 */
export function headerMap(headers: Headers): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    for (const hidden of [name, name.toLowerCase()]) Object.defineProperty(map, hidden, { value, configurable: true });
    Object.defineProperty(map, canonicalName(name), { value, configurable: true, enumerable: true });
  }
  return map;
}

/** Go's `textproto.CanonicalMIMEHeaderKey`. */
function canonicalName(name: string): string {
  return name
    .toLowerCase()
    .replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => `${dash}${letter.toUpperCase()}`);
}

import type { Event, Schema } from 'js-yaml';
import { invalid, type SubpipeError } from '../errors.ts';
import { positionIn, startOf, type YamlPath } from './position.ts';
import { plainScalar } from './scalars.ts';

/** One document of a YAML text. */
export interface YamlDocument {
  /** `null` for a document without content. */
  value: unknown;
  /** 1-based, empty documents counted. */
  index: number;
  /** 1-based line of its first content; of the separator after it where it has none. */
  line: number;
}

type Library = typeof import('./library.ts');

/** js-yaml, and the schema for it, once there is a text that is not JSON. */
let loaded: { library: Library; schema: Schema } | undefined;

/** Loads the YAML library, which reading JSON does not: `lineIn` needs it. */
export async function loadYaml(): Promise<{ library: Library; schema: Schema }> {
  if (loaded !== undefined) return loaded;
  const library = await import('./library.ts');
  const scalar = (tag: string, first: string[], fits: (value: unknown) => boolean) =>
    library.defineScalarTag<unknown>(`tag:yaml.org,2002:${tag}`, {
      implicit: true,
      implicitFirstChars: first,
      resolve: (text) => {
        const value = plainScalar(text);
        return value !== undefined && fits(value) ? value : library.NOT_RESOLVED;
      },
      identify: () => false,
    });
  const digits = [...'0123456789+-.'];
  const schema = library.CORE_SCHEMA.withTags(
    scalar('null', ['', '~', 'n', 'N'], (value) => value === null),
    scalar('bool', [...'yYnNtTfFoO'], (value) => typeof value === 'boolean'),
    scalar('int', digits, (value) => typeof value === 'string' || Number.isInteger(value)),
    scalar('float', digits, (value) => typeof value === 'number'),
    library.mergeTag,
  );
  loaded = { library, schema };
  return loaded;
}

/**
 * All documents of a YAML text in the dialect of the API server (sigs.k8s.io/yaml), the empty ones too. Aliases are written out: no
 * part of a value is shared with another.
 *
 * @param where What the text is, for errors: a file's name.
 * @throws SubpipeError `INVALID` that names `where`, the document where there are several, and the line.
 */
export async function readYaml(text: string, where: string): Promise<YamlDocument[]> {
  const json = parseJson(text);
  if (json !== undefined) return [{ value: json, index: 1, line: 1 + newlines(text, 0, text.search(/\S/)) }];
  const { library, schema } = await loadYaml();
  const { events, source } = parse(library, text, where);
  let values: unknown[];
  try {
    values = library.constructFromEvents(events, { source, schema });
  } catch (error) {
    throw refused(library, error, where, source, events);
  }
  const lines = linesOf(library, events, source);
  const aliases = events.some(({ type }) => type === library.EVENT_ID.ALIAS);
  return values.map((value, index) => {
    const line = lines[index] ?? 1;
    const at = values.length > 1 ? `${where}, document ${index + 1}, line ${line}` : `${where}, line ${line}`;
    return { value: aliases ? unshared(value ?? null, at) : (value ?? null), index: index + 1, line };
  });
}

/**
 * The 1-based line of a field in a text that `readYaml` has read, or of the nearest field above it that is there.
 * Fields that come from an alias or a merge key are on the line of that.
 */
export function lineIn(text: string, document: number, path: YamlPath): number {
  if (loaded === undefined) return 1;
  const { library } = loaded;
  const { events, source } = parse(library, text, '');
  return 1 + newlines(source, 0, positionIn(library, events, source, document, path));
}

/** Lines never move by this: what is put in is spaces. */
interface Parsed {
  events: Event[];
  source: string;
}

/** Of lists and maps in one another: far more than any object of Kubernetes has, and what the stack holds with ease. */
const maxDepth = 200;

/** How many characters are read again for the sake of lines that Go's reader does not mind: bounds the time. */
const repairBudget = 32 * 1024 * 1024;

/**
 * js-yaml wants the lines of a `[…]`, `{…}` or quoted text indented below their key (YAML 1.2, 6.1), Go's reader does not ask for it:
 * a closing bracket below its key is common. Such a line gets its spaces, which mean nothing there.
 */
function parse(library: Library, text: string, where: string): Parsed {
  let source = text.replace(/^\uFEFF/, '');
  for (let work = 0; ; ) {
    try {
      return { events: unended(library, library.parseEvents(source, { maxDepth }), source), source };
    } catch (error) {
      work += source.length;
      const position = error instanceof library.YAMLException ? error.mark?.position : undefined;
      const reason = error instanceof library.YAMLException ? error.reason : '';
      if (reason !== 'deficient indentation' || position === undefined || work > repairBudget) {
        throw refused(library, error, where, source, []);
      }
      if (position >= source.length)
        throw refused(library, error, where, source, [], 'the text ends inside of [, { or a quote');
      const start = Math.max(source.lastIndexOf('\n', position - 1), source.lastIndexOf('\r', position - 1)) + 1;
      const indent = position - start;
      if (indent > 400) throw refused(library, error, where, source, []);
      source = `${source.slice(0, start)}${' '.repeat(indent * 2 + 8)}${source.slice(position)}`;
    }
  }
}

/**
 * A block text that the file ends in the middle of, without the end of its last line, has no line break at its end (YAML 1.2, 8.1.1.2):
 * so Go's reader has it; js-yaml adds one to the file.
 */
function unended({ CHOMPING_MODE, EVENT_ID, SCALAR_STYLE }: Library, events: Event[], source: string): Event[] {
  if (/[\r\n]$/.test(source)) return events;
  const last = events.findLast((event) => event.type !== EVENT_ID.POP);
  if (last?.type !== EVENT_ID.SCALAR || last.valueEnd < source.length) return events;
  if (last.style !== SCALAR_STYLE.LITERAL_BLOCK && last.style !== SCALAR_STYLE.FOLDED_BLOCK) return events;
  return events.with(events.lastIndexOf(last), { ...last, chomping: CHOMPING_MODE.STRIP });
}

/** js-yaml's error as ours: where, which document, which line, why. */
function refused(
  library: Library,
  error: unknown,
  where: string,
  source: string,
  events: Event[],
  reason?: string,
): SubpipeError {
  if (!(error instanceof library.YAMLException)) return invalid(`${where} is not valid YAML`, { cause: error });
  const at = error.mark?.position ?? 0;
  const line = 1 + newlines(source, 0, at);
  // Separators at or before the fault stand at the beginning of a line; the first document may do without one.
  const separators = source.slice(0, at).match(/^---(?=[ \t\r\n])/gm)?.length ?? 0;
  const opening = source.split(/[\r\n]+/, 1000).find((text) => text.trim() !== '' && !text.trimStart().startsWith('#'));
  const count = Math.max(1, separators + (opening?.startsWith('---') === true ? 0 : 1));
  const several = count > 1 || events.filter(({ type }) => type === library.EVENT_ID.DOCUMENT).length > 1;
  const document = several ? `document ${count}, ` : '';
  const column = at - Math.max(source.lastIndexOf('\n', at - 1), source.lastIndexOf('\r', at - 1));
  return invalid(`${where}, ${document}line ${line} is not valid YAML: ${reason ?? error.reason} at column ${column}`);
}

function linesOf(library: Library, events: readonly Event[], source: string): number[] {
  const { DOCUMENT, POP } = library.EVENT_ID;
  const lines: number[] = [];
  let line = 1;
  let counted = 0;
  for (const [index, event] of events.entries()) {
    if (event.type !== DOCUMENT) continue;
    const next = events[index + 1];
    const start = next === undefined || next.type === POP || next.type === DOCUMENT ? -1 : startOf(next);
    if (start > counted) {
      line += newlines(source, counted, start);
      counted = start;
    }
    lines.push(line);
  }
  return lines;
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) count++;
  }
  return count;
}

/** What aliases may blow a document up to: far more than the API server takes (1.5 MB). */
const maxNodes = 400_000;

/** A copy without shared parts. @throws SubpipeError `INVALID` for a value that contains itself, or that grows without reason. */
function unshared(value: unknown, where: string): unknown {
  let nodes = 0;
  const above = new Set<unknown>();
  const copy = (one: unknown): unknown => {
    nodes++;
    if (nodes > maxNodes) {
      throw invalid(`${where} has aliases that make more than ${maxNodes} values of it: write them out, or use fewer`);
    }
    if (typeof one !== 'object' || one === null) return one;
    if (above.has(one)) throw invalid(`${where} has an alias inside of what it stands for: expected a value that ends`);
    above.add(one);
    const made = Array.isArray(one)
      ? one.map(copy)
      : Object.fromEntries(Object.entries(one).map(([key, entry]) => [key, copy(entry)]));
    above.delete(one);
    return made;
  };
  return copy(value);
}

/** JSON is YAML, and the reader for it is there already: no YAML library is loaded for what another step wrote. */
function parseJson(text: string): unknown {
  if (!/^\uFEFF?\s*[{[]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined; // flow-style YAML: the YAML reader says what is wrong with it, if anything
  }
  return depthOf(text) > maxDepth ? undefined : value; // again the YAML reader says it, with the line
}

/** How deep the brackets of a JSON text stand in one another. */
function depthOf(json: string): number {
  let depth = 0;
  let most = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (quoted) {
      if (code === 92) at++;
      else if (code === 34) quoted = false;
    } else if (code === 34) quoted = true;
    else if (code === 91 || code === 123) most = Math.max(most, ++depth);
    else if (code === 93 || code === 125) depth--;
  }
  return most;
}

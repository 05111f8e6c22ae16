/** Schemas that stand for others, told apart by their field `type`. */
const variants: Readonly<Record<string, string[]>> = { treeentry: ['commit_file'] };

/** What a provider publishes of one GET: names of query parameters, and of all fields of its answer, at whatever depth. */
export interface Published {
  query: string[];
  answer: string[];
}

/** Reads the GETs of the paths that fit a pattern from types that openapi-typescript has made. `prefix` is cut off their names. */
export function readTypes(text: string, wanted: RegExp, prefix = ''): Record<string, Published> {
  const lines = text.split('\n');
  const found: Record<string, Published> = {};
  for (const [at, line] of lines.entries()) {
    const path = /^ +(?:readonly )?"(\/[^"]*)": \{$/.exec(line)?.[1];
    if (path?.startsWith(prefix) !== true || !wanted.test(path.slice(prefix.length))) continue;
    const operation = operationOf(lines, block(lines, at));
    const query = blockNamed(operation, 'query');
    const answer = new Set<string>();
    collect(lines, blockNamed(operation, '200'), answer, new Set());
    found[path.slice(prefix.length)] = { query: namesIn(query).sort(), answer: [...answer].sort() };
  }
  return found;
}

/** The lines of a block, from the one that opens it at `start` to the one that closes it. */
function block(lines: readonly string[], start: number): string[] {
  const indent = /^ */.exec(lines[start] ?? '')?.[0] ?? '';
  const end = lines.findIndex((line, at) => at > start && new RegExp(`^${indent}\\}.*;$`).test(line));
  return lines.slice(start, end + 1);
}

/** The operation of a path's GET, which is in the path or has a name in `operations`. */
function operationOf(lines: readonly string[], path: readonly string[]): string[] {
  const name = path.map((line) => /^ +(?:readonly )?get: operations\["(.+)"\];$/.exec(line)?.[1]).find(Boolean);
  if (name === undefined) return blockNamed(path, 'get');
  const start = lines.findIndex((line) => /^ +(?:readonly )?"?([^":]+)"?: \{$/.exec(line)?.[1] === name);
  return block(lines, start);
}

/** The first block of a name, empty where there is none. */
function blockNamed(lines: readonly string[], name: string): string[] {
  const start = lines.findIndex((line) => new RegExp(`^ +(?:readonly )?"?${name}"?\\??: \\{$`).test(line));
  return start < 0 ? [] : block(lines, start);
}

/** Names of the fields that are in a block itself. */
function namesIn(lines: readonly string[]): string[] {
  const indent = /^ */.exec(lines[1] ?? '')?.[0].length ?? 0;
  const name = new RegExp(`^ {${indent}}(?:readonly )?"?([\\w.-]+)"?\\??:`);
  return lines.flatMap((line) => name.exec(line)?.[1] ?? []);
}

/** All names in a block and in the schemas that it refers to. */
function collect(lines: readonly string[], from: readonly string[], into: Set<string>, seen: Set<string>): void {
  for (const line of from) {
    const name = /^ +(?:readonly )?"?([a-zA-Z_][\w-]*)"?\??:/.exec(line)?.[1];
    if (name !== undefined && !/^(headers|content)$/.test(name)) into.add(name);
    const named = [...line.matchAll(/components\["schemas"\]\["([^"]+)"\]/g)].map(([, schema = '']) => schema);
    for (const schema of named.flatMap((one) => [one, ...(variants[one] ?? [])])) {
      // Who wrote a commit is answered with all that is known of them: nothing of it is used.
      if (seen.has(schema) || /user|account|team|participant|verification|license|organization/i.test(schema)) continue;
      seen.add(schema);
      collect(lines, schemaOf(lines, schema), into, seen);
    }
  }
}

/** The lines of a schema behind the one with its name. */
function schemaOf(lines: readonly string[], name: string): string[] {
  const schemas = lines.findIndex((line) => /^ +(?:readonly )?schemas: \{$/.test(line));
  const indent = /^ */.exec(lines[schemas + 1] ?? '')?.[0].length ?? 0;
  const start = lines.findIndex((line) => new RegExp(`^ {${indent}}(?:readonly )?"?${name}"?: `).test(line));
  if (start < 0) throw new Error(`there is no schema ${name}`);
  const [head = '', ...body] =
    lines[start]?.endsWith('{') === true ? block(lines, start) : lines.slice(start, start + 1);
  // What a schema is made of stands behind its name: `a: components["schemas"]["b"] & {`.
  return [head.replace(/^[^:]+: /, ''), ...body];
}

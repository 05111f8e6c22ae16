import { invalid } from './errors.ts';

/** The YAML dialect of the API server (sigs.k8s.io/yaml): YAML 1.1 scalars and merge keys, but no timestamps or sets. */
async function dialect() {
  const yaml = await import('js-yaml');
  const schema = yaml.CORE_SCHEMA.withTags(
    yaml.nullYaml11Tag,
    yaml.boolYaml11Tag,
    yaml.intYaml11Tag,
    yaml.floatYaml11Tag,
    yaml.mergeTag,
  );
  return { yaml, schema };
}

/** One YAML (or JSON) document. @throws SubpipeError `INVALID` that names `where`, with line and column. */
export async function parseYaml(text: string, where: string): Promise<unknown> {
  const documents = await parseYamlAll(text, where);
  if (documents.length > 1) throw invalid(`${where} must be one YAML document, but holds ${documents.length}`);
  return documents[0];
}

/** All YAML documents of a text; empty ones are left out. @throws SubpipeError `INVALID` that names `where`. */
export async function parseYamlAll(text: string, where: string): Promise<unknown[]> {
  const json = parseJson(text);
  if (json !== undefined) return [json];
  const { yaml, schema } = await dialect();
  try {
    return yaml
      .loadAll(text.replace(/^\uFEFF/, ''), { schema, filename: where })
      .filter((document) => document != null);
  } catch (error) {
    throw invalid(`${where} is not valid YAML`, { cause: error });
  }
}

/** Text that the API server's YAML reader takes for the same value: strings such as `yes` or `010` stay strings. */
export async function formatYaml(value: unknown): Promise<string> {
  const { yaml, schema } = await dialect();
  return yaml.dump(value, { schema, lineWidth: -1, noRefs: true });
}

/** JSON is YAML, and the reader for it is there already: no YAML library is loaded for what another step wrote. */
function parseJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // flow-style YAML: the YAML reader says what is wrong with it, if anything
  }
}

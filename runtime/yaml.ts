import { invalid } from './errors.ts';
import { readYaml } from './yaml/read.ts';

export { formatSortedYaml, formatYaml } from './yaml/write.ts';

/** One YAML (or JSON) document. @throws SubpipeError `INVALID` that names `where`, with line and column. */
export async function parseYaml(text: string, where: string): Promise<unknown> {
  const documents = await parseYamlAll(text, where);
  if (documents.length > 1) throw invalid(`${where} must be one YAML document, but holds ${documents.length}`);
  return documents[0];
}

/** All YAML documents of a text; empty ones are left out. @throws SubpipeError `INVALID` that names `where`. */
export async function parseYamlAll(text: string, where: string): Promise<unknown[]> {
  return (await readYaml(text, where)).map(({ value }) => value).filter((value) => value != null);
}

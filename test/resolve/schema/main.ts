import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { schemaOf } from './generate.ts';
import { schemaFile, tektonSource } from './source.ts';

// `node test/resolve/schema/main.ts [FOLDER]`, with the source of Tekton Pipelines.
const source = process.argv[2] ?? (await tektonSource());
await writeFile(path.resolve(schemaFile), `${JSON.stringify(await schemaOf(source))}\n`);

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { embedded, named } from '../../runtime/call/source.ts';
import { invalid } from '../../runtime/errors.ts';
import { readBeside } from '../../runtime/resolve/folder.ts';
import { withName } from '../../runtime/tekton/as-referenced.ts';
import { withLetterCase } from '../../runtime/tekton/letter-case.ts';
import type { PipelineSpec } from '../../runtime/tekton/types.ts';
import { parseYamlAll } from '../../runtime/yaml.ts';
import type { SourceFile } from '../files.ts';
import { isOciPipelineRun, type OciPipelineRun, readOciPipelineRun, withPipeline } from './oci-pipeline.ts';

/**
 * The Run of kind OCIPipeline in a file, with its Pipeline where the file or its folder has that.
 * @returns undefined where the file has none.
 * @throws SubpipeError `INVALID` where it has several.
 */
export async function ociPipelineIn(source: SourceFile): Promise<OciPipelineRun | undefined> {
  if (source.file === '.') return undefined; // a folder
  const objects = await parseYamlAll(await readFile(path.join(source.folder, source.file), 'utf8'), source.file);
  const found = objects.filter(isOciPipelineRun);
  if (found.length > 1) throw invalid(`the file has ${found.length} runs of kind OCIPipeline: expected one`);
  const [object] = found;
  if (object === undefined) return undefined;
  const read = readOciPipelineRun(object, source.file);
  const name = read.run.spec.pipelineRef?.name;
  const { own, beside } = await readBeside(source.folder, source.file);
  const documents = [...own, ...beside];
  const pipeline = documents.find((one) => one.kind === 'Pipeline' && one.name === name);
  if (pipeline === undefined) return read;
  const whole = await embedded(named(pipeline), documents);
  const target = read.target === undefined ? undefined : withName(read.target, pipeline.name);
  return { ...read, target, run: withPipeline(read.run, spelt(whole.spec)) };
}

function spelt(spec: PipelineSpec): PipelineSpec {
  return withLetterCase(spec, 'PipelineSpec') as PipelineSpec;
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Fields, fieldsOf, isFields } from '../../../runtime/shape.ts';
import { parseYaml } from '../../../runtime/yaml.ts';

/** Of ObjectMeta only what people write; the API server adds other fields. */
const texts: Fields = { type: ['object', 'null'], additionalProperties: { type: ['string', 'null'] } };
const text: Fields = { type: ['string', 'null'] };
const ofTask: Fields = {
  type: ['object', 'null'],
  properties: { labels: texts, annotations: texts },
  additionalProperties: false,
};
const ofObject: Fields = {
  type: ['object', 'null'],
  properties: { name: text, generateName: text, namespace: text, labels: texts, annotations: texts },
};

/**
 * A JSON schema of a v1 PipelineRun, with the Pipeline and the Tasks embedded in it, from the CRDs of a Tekton source folder
 * (config/300-crds). The PipelineRun's own CRD says nothing about its `pipelineSpec`: those fields come from the CRDs of
 * Pipeline and Task.
 *
 * `required` is left out: the API server asks Tekton's webhook first, and that writes every required field that is missing as
 * an empty one, so it refuses by rules and not by the schema. Null means the same as not there, for the same reason.
 */
export async function schemaOf(source: string): Promise<Fields> {
  const run = await specOf(source, 'pipelinerun');
  const pipeline = await specOf(source, 'pipeline');
  const task = await specOf(source, 'task');
  const runFields = fieldsOf(run.properties, 'properties');
  runFields.pipelineSpec = { $ref: '#/$defs/pipelineSpec' };
  for (const list of ['tasks', 'finally']) {
    const fields = fieldsAt(pipeline, 'properties', list, 'items', 'properties');
    fields.taskSpec = { $ref: '#/$defs/embeddedTask' };
    fields.pipelineSpec = { $ref: '#/$defs/pipelineSpec' };
  }
  const name = { type: 'string' };
  const whole = trim({
    type: 'object',
    properties: { apiVersion: name, kind: name, metadata: {}, spec: run, status: {} },
  });
  const definitions = {
    pipelineSpec: trim(pipeline),
    embeddedTask: trim({
      type: 'object',
      properties: { ...fieldsOf(task.properties, 'properties'), apiVersion: name, kind: name, spec: {}, metadata: {} },
    }),
  };
  fieldsOf(whole.properties, 'properties').metadata = ofObject;
  fieldsAt(definitions.embeddedTask, 'properties').metadata = ofTask;
  return share({ $defs: definitions, ...whole });
}

async function specOf(source: string, kind: string): Promise<Fields> {
  const file = path.join(source, 'config/300-crds', `300-${kind}.yaml`);
  const crd = fieldsOf(await parseYaml(await readFile(file, 'utf8'), file), file);
  const versions = fieldsOf(crd.spec, file).versions;
  const version = (Array.isArray(versions) ? versions : []).find((one) => isFields(one) && one.name === 'v1');
  return fieldsAt(version, 'schema', 'openAPIV3Schema', 'properties', 'spec');
}

function fieldsAt(value: unknown, ...names: string[]): Fields {
  return names.reduce<Fields>((at, name) => fieldsOf(at[name], name), fieldsOf(value, 'the schema'));
}

/** What ajv checks, and no more. */
function trim(schema: Fields): Fields {
  if (typeof schema.$ref === 'string') return schema;
  if (schema['x-kubernetes-int-or-string'] === true) {
    return {
      type: ['integer', 'string', 'null'],
      ...(schema.pattern === undefined ? {} : { pattern: schema.pattern }),
    };
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === true || typeof schema.type !== 'string') return {};
  const trimmed: Fields = { type: [schema.type, 'null'] };
  if (isFields(schema.items)) trimmed.items = trim(schema.items);
  if (isFields(schema.properties)) {
    const fields = Object.entries(schema.properties).map(([name, field]) => [name, trim(fieldsOf(field, name))]);
    trimmed.properties = Object.fromEntries(fields);
    trimmed.additionalProperties = false;
  } else if (isFields(schema.additionalProperties)) {
    trimmed.additionalProperties = trim(schema.additionalProperties);
  }
  for (const keyword of ['pattern', 'enum', 'minimum', 'maximum']) {
    if (schema[keyword] !== undefined) trimmed[keyword] = schema[keyword];
  }
  return trimmed;
}

/** Parts that occur more than once stand in `$defs` once: steps and sidecars have most fields in common. */
function share(schema: Fields): Fields {
  const seen = new Map<string, number>();
  const keyOf = (part: Fields): string => createHash('sha256').update(JSON.stringify(part)).digest('hex');
  const isLarge = (part: Fields): boolean => JSON.stringify(part).length > 150;
  const count = (part: Fields): void => {
    if (isLarge(part)) seen.set(keyOf(part), (seen.get(keyOf(part)) ?? 0) + 1);
    for (const [, inner] of partsOf(part)) count(inner);
  };
  const { $defs, ...rest } = schema;
  const own = Object.entries(fieldsOf($defs, '$defs')).map(([name, part]) => [name, fieldsOf(part, name)] as const);
  for (const part of [rest, ...own.map(([, part]) => part)]) count(part);
  const definitions: Fields = {};
  const names = new Map<string, string>();
  const inside = (part: Fields, name: string): Fields => {
    const copy: Fields = { ...part };
    if (isFields(part.items)) copy.items = replace(part.items, name);
    if (isFields(part.additionalProperties)) copy.additionalProperties = replace(part.additionalProperties, name);
    if (isFields(part.properties)) {
      const fields = Object.entries(part.properties).map(([field, inner]) => [
        field,
        replace(fieldsOf(inner, field), field),
      ]);
      copy.properties = Object.fromEntries(fields);
    }
    return copy;
  };
  const replace = (part: Fields, name: string): Fields => {
    if (!isLarge(part) || seen.get(keyOf(part)) === 1) return inside(part, name);
    const key = keyOf(part);
    if (!names.has(key)) {
      let free = name;
      for (let number = 2; [...names.values()].includes(free); number += 1) free = `${name}${number}`;
      names.set(key, free);
      definitions[free] = inside(part, name);
    }
    return { $ref: `#/$defs/${names.get(key)}` };
  };
  const shared = Object.fromEntries(own.map(([name, part]) => [name, inside(part, name)]));
  return { ...inside(rest, 'run'), $defs: { ...shared, ...definitions } };
}

/** The schemas right below a schema. */
function partsOf(part: Fields): [string, Fields][] {
  const { items, additionalProperties, properties } = part;
  const below = { ...(isFields(properties) ? properties : {}) };
  const rest = [items, additionalProperties].filter(isFields).map((inner): [string, Fields] => ['', inner]);
  return [...Object.entries(below).map(([name, inner]): [string, Fields] => [name, fieldsOf(inner, name)]), ...rest];
}

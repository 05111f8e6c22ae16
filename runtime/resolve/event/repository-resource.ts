import { invalid } from '../../errors.ts';
import { fieldsOf, isFields, listOf, optionalText } from '../../shape.ts';
import { parseYamlAll } from '../../yaml.ts';
import { prefix } from '../annotations.ts';

/** A custom param of a Repository (docs: guide/customparams). */
export interface CustomParam {
  name: string;
  value: string;
  /** CEL: the param counts only where it is true. */
  filter: string;
  secret: SecretKey | undefined;
}

export interface SecretKey {
  name: string;
  key: string;
}

/** What is read of the custom resource `Repository` (pipelinesascode.tekton.dev/v1alpha1). */
export interface RepositoryResource {
  name: string;
  namespace: string | undefined;
  url: string | undefined;
  /** `undefined` where `spec.params` is not there. */
  params: readonly CustomParam[];
}

/**
 * The Repository of a YAML text; other documents in it are left alone.
 * @throws SubpipeError `INVALID` where there is none or more than one, or a param is not as documented; it names `where`.
 */
export async function parseRepository(text: string, where: string): Promise<RepositoryResource> {
  const found = (await parseYamlAll(text, where)).filter(isFields).filter(isRepository);
  const [object] = found;
  if (object === undefined)
    throw invalid(`${where} must hold a Repository (pipelinesascode.tekton.dev/v1alpha1), but has none`);
  if (found.length > 1) throw invalid(`${where} must hold one Repository, but has ${found.length}`);
  const metadata = fieldsOf(object.metadata ?? {}, `${where}: metadata`);
  const spec = fieldsOf(object.spec ?? {}, `${where}: spec`);
  return {
    name: optionalText(metadata.name, `${where}: metadata.name`) ?? '',
    namespace: optionalText(metadata.namespace, `${where}: metadata.namespace`),
    url: optionalText(spec.url, `${where}: spec.url`),
    params: listOf(spec.params ?? [], `${where}: spec.params`).map((param, index) =>
      customParam(param, `${where}: spec.params[${index}]`),
    ),
  };
}

function isRepository({ apiVersion, kind }: Record<string, unknown>): boolean {
  return kind === 'Repository' && typeof apiVersion === 'string' && apiVersion.startsWith(prefix);
}

function customParam(value: unknown, where: string): CustomParam {
  const fields = fieldsOf(value, where);
  return {
    name: optionalText(fields.name, `${where}.name`) ?? '',
    value: optionalText(fields.value, `${where}.value`) ?? '',
    filter: optionalText(fields.filter, `${where}.filter`) ?? '',
    secret: fields.secret_ref == null ? undefined : secretKey(fields.secret_ref, `${where}.secret_ref`),
  };
}

function secretKey(value: unknown, where: string): SecretKey {
  const fields = fieldsOf(value, where);
  const name = optionalText(fields.name, `${where}.name`);
  const key = optionalText(fields.key, `${where}.key`);
  if (name === undefined || key === undefined) throw invalid(`${where} must have name and key, of a Secret`);
  return { name, key };
}

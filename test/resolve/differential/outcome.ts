import { formatDuration, parseDuration } from '../../../runtime/duration.ts';
import { type Fields, isFields } from '../../../runtime/shape.ts';
import { parseYamlAll } from '../../../runtime/yaml.ts';

/** What a program makes of a case. */
export interface Outcome {
  /** The exit code. */
  code: number;
  /** The objects that it writes, in a form in which those that mean the same are the same. */
  objects: unknown[];
  /** What it says on stderr where it refuses. */
  said: string;
}

/** What a process left, before it is understood. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
  /** The file that `-o` names, where there is one. */
  written?: string | undefined;
}

/** @param remote The URL of the case's server: it has another port each time. */
export async function outcomeOf({ code, stdout, stderr, written }: Ended, remote: string): Promise<Outcome> {
  const steady = (text: string) =>
    text
      .replaceAll(remote, 'http://remote')
      .replace(/\bpac-gitauth-[a-z]{6}\b/g, 'pac-gitauth-RANDOM')
      .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, '');
  if (code !== 0) {
    // Go prints where in memory things are.
    const said = steady(stderr).replace(/\b0x[0-9a-f]{6,}\b/g, '0xADDRESS');
    return { code, objects: [], said: said.trim().split('\n', 3).join('\n').slice(0, 500) };
  }
  const objects = (await parseYamlAll(steady(written ?? stdout), 'the output')).map(normal);
  return { code, objects: written === undefined ? objects : [steady(stdout).trim(), ...objects], said: '' };
}

/** Fields that Go prints because it cannot leave them out. */
const printedEmpty = [
  'status',
  'taskRunTemplate',
  'creationTimestamp',
  'computeResources',
  'resources',
  'metadata',
  'spec',
  'name',
  'description',
  'finally',
];

/** Of a container's resources: a number is a quantity as well as its text is. */
const quantities = ['limits', 'requests'];

function texts(value: Fields): Fields {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, String(inner)]));
}

/** Values that mean the same get the same form: 10m is 10m0s. */
function normal(value: unknown): unknown {
  if (typeof value === 'string' && /^(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?$/.test(value) && value !== '') {
    return formatDuration(parseDuration(value, 'a duration'));
  }
  if (Array.isArray(value)) return value.map(normal);
  if (!isFields(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    quantities.includes(key) && isFields(inner) ? texts(inner) : normal(inner),
  ]);
  const isEmpty = (inner: unknown): boolean =>
    inner === null ||
    inner === '' ||
    (Array.isArray(inner) && inner.length === 0) ||
    (isFields(inner) && Object.keys(inner).length === 0);
  const kept: Fields = Object.fromEntries(
    entries.filter(([key, inner]) => !printedEmpty.includes(key) || !isEmpty(inner)),
  );
  return kept;
}

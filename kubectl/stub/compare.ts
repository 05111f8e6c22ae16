import { isDeepStrictEqual } from 'node:util';
import { ownPrefix } from '../../runtime/call/params.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../../runtime/shape.ts';
import type { Contract } from './contract.ts';

/** What a stub and its Pipeline no longer have in common, each as half a sentence; descriptions may differ. */
export function differences(stub: Fields, contract: Contract, where: string): string[] {
  const spec = fieldsOf(stub.spec, `${where}: spec`);
  return (['params', 'results', 'workspaces'] as const).flatMap((field) => {
    const what = field.slice(0, -1);
    const before = byName(spec[field] ?? [], `${where}: ${field}`);
    const now = byName(contract[field], field);
    const gone = [...before.keys()].filter((name) => !now.has(name)).map((name) => `${what} ${name} is gone`);
    const rest = [...now].flatMap(([name, entry]) => {
      const old = before.get(name);
      if (old === undefined) return [`${what} ${name}${isRequired(what, entry) ? ', which is required,' : ''} is new`];
      return changes(old, entry).map((change) => `${what} ${name}: ${change}`);
    });
    return [...gone, ...rest];
  });
}

function byName(list: unknown, where: string): Map<string, Fields> {
  const entries = listOf(list, where).map((entry) => fieldsOf(entry, where));
  return new Map(
    entries.map((entry) => [textOf(entry.name, where), entry] as const).filter(([name]) => !name.startsWith(ownPrefix)),
  );
}

function isRequired(what: string, entry: Fields): boolean {
  return what === 'param' ? entry.default === undefined : what === 'workspace' && entry.optional !== true;
}

function changes(old: Fields, now: Fields): string[] {
  const defaults: Record<string, unknown> = { type: 'string', optional: false };
  return ['type', 'default', 'enum', 'properties', 'optional'].flatMap((field) => {
    // Workspaces have no type: then both sides are given the same one.
    const [was, is] = [old[field] ?? defaults[field], now[field] ?? defaults[field]];
    const [a, b] = field === 'properties' ? [keysOf(was), keysOf(is)] : [was, is];
    return isDeepStrictEqual(a, b) ? [] : [`${field} was ${shown(a)} and is ${shown(b)}`];
  });
}

function keysOf(value: unknown): string[] | undefined {
  return value === undefined ? undefined : Object.keys(fieldsOf(value, 'properties')).sort();
}

function shown(value: unknown): string {
  if (value === undefined) return 'unset';
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

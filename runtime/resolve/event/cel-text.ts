import { isFields } from '../../shape.ts';

/**
 * A CEL value as Pipelines-as-Code writes it into a template: a string as it is; numbers, booleans, lists and maps as JSON with sorted
 * keys (protobuf's JSON of a `google.protobuf.Value`); `null` and what JSON has no form for as nothing.
 */
export function celText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Object && typeof value.valueOf() === 'bigint') return '';
  const json = jsonOf(value);
  return json === undefined || json === null ? '' : JSON.stringify(json);
}

function jsonOf(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  // Protobuf's JSON has no 64-bit numbers: what a double cannot hold becomes a string.
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map((entry) => jsonOf(entry) ?? null);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map) return sorted([...value].map(([key, entry]) => [String(key), entry]));
  if (isFields(value) && Object.getPrototypeOf(value) === Object.prototype) return sorted(Object.entries(value));
  // CEL's uint: alone it has no text in Pipelines-as-Code, within a list it has.
  if (typeof value === 'object' && typeof value.valueOf() === 'bigint') return jsonOf(value.valueOf());
  return undefined;
}

function sorted(entries: [string, unknown][]): Record<string, unknown> {
  // A map from JSON.parse may have the own key `__proto__`: fromEntries keeps it one.
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => [key, jsonOf(entry) ?? null]),
  );
}

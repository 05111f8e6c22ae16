import type { Event } from 'js-yaml';

/** A path into a document: `['spec', 'tasks', 0]`. */
export type YamlPath = readonly (string | number)[];

type Library = typeof import('./library.ts');

/** The offset of a field of a document in the text, or of the nearest field above it that is there. */
export function positionIn(
  library: Library,
  events: readonly Event[],
  source: string,
  document: number,
  path: YamlPath,
): number {
  const { DOCUMENT, SEQUENCE, MAPPING, SCALAR, POP } = library.EVENT_ID;
  let at = -1;
  for (let seen = 0; seen < document; seen++) {
    at = events.findIndex((event, index) => index > at && event.type === DOCUMENT);
    if (at < 0) return 0;
  }
  /** The index after a whole node. */
  const skip = (index: number): number => {
    let depth = 0;
    for (let next = index; next < events.length; next++) {
      const type = events[next]?.type;
      if (type === SEQUENCE || type === MAPPING) depth++;
      if (type === POP) depth--;
      if (depth === 0) return next + 1;
    }
    return events.length;
  };
  let node = at + 1;
  let position = positionOf(events[node], 0);
  for (const part of path) {
    const event = events[node];
    if (event === undefined) return position;
    let next = node + 1;
    let found = -1;
    if (event.type === SEQUENCE && typeof part === 'number') {
      for (let index = 0; events[next]?.type !== POP && next < events.length; index++, next = skip(next)) {
        if (index !== part) continue;
        found = next;
        position = positionOf(events[next], position);
        break;
      }
    } else if (event.type === MAPPING) {
      while (events[next]?.type !== POP && next < events.length) {
        const key = events[next];
        const value = skip(next);
        if (key?.type === SCALAR && library.getScalarValue(source, key) === String(part)) {
          found = value;
          position = positionOf(key, position);
          break;
        }
        next = skip(value);
      }
    }
    if (found < 0) return position;
    node = found;
  }
  return position;
}

function positionOf(event: Event | undefined, otherwise: number): number {
  const start = event === undefined ? -1 : startOf(event);
  return start < 0 ? otherwise : start;
}

/** Where an event's text begins, -1 where it has none. */
export function startOf(event: Event): number {
  const starts = [
    'tagStart' in event ? event.tagStart : -1,
    'anchorStart' in event ? event.anchorStart : -1,
    'valueStart' in event ? event.valueStart : -1,
    'start' in event ? event.start : -1,
  ].filter((start) => start >= 0);
  return starts.length === 0 ? -1 : Math.min(...starts);
}

import { createLog, type Log } from '../../runtime/log.ts';

/** A log for people who follow a run: the lines of called Pipelines under one prefix in place of two. */
export function followLog(write: (line: string) => void): Log {
  const log = createLog({ name: 'subpipe', write });
  return {
    ...log,
    line(prefix, text) {
      const merged = mergePrefixes(prefix, text);
      log.line(merged.prefix, merged.text);
    },
  };
}

/**
 * A called Pipeline's line comes through the log of the step that called it: `[main/tests/subpipe] [tests/unit/run] text`.
 * It becomes `[main/tests/unit/run] text`, the path that the tree has for it.
 */
export function mergePrefixes(prefix: string, text: string): { prefix: string; text: string } {
  const inner = /^\[(?<call>[a-z0-9-]+)(?<below>(?:\/[^\]/]+)+)\] (?<rest>.*)$/s.exec(text)?.groups;
  const outer = /^(?<above>.*\/(?<task>[^/]+?)(?: \(retry \d+\))?)\/(?<step>[^/]+)$/.exec(prefix)?.groups;
  if (inner === undefined || outer === undefined || !/^subpipe(-wait)?$/.test(outer.step ?? ''))
    return { prefix, text };
  const { call, below = '', rest = '' } = inner;
  const path = call === outer.task ? `${outer.above}${below}` : `${outer.above}/${call}${below}`;
  return { prefix: path, text: rest };
}

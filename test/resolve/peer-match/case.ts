/** A question to Pipelines-as-Code, as main.go reads it. */
export interface Case {
  kind: 'match' | 'text' | 'params' | 'glob' | 'comment' | 'payload';
  name: string;
  annotations?: Record<string, string>;
  text?: string;
  values?: Record<string, string>;
  params?: { name: string; value?: string; filter?: string }[];
  pattern?: string;
  provider?: string;
  event?: PeerEvent;
}

export interface PeerEvent {
  trigger?: string;
  eventType?: string;
  sha?: string;
  base?: string;
  head?: string;
  baseURL?: string;
  headURL?: string;
  url?: string;
  org?: string;
  repo?: string;
  sender?: string;
  title?: string;
  shaTitle?: string;
  comment?: string;
  labels?: string[];
  number?: number;
  headers?: Record<string, string>;
  body?: string;
  files?: { all?: string[]; added?: string[]; deleted?: string[]; modified?: string[]; renamed?: string[] };
}

import { SubpipeError } from '../errors.ts';
import type { Digest } from './digest.ts';
import { isDigest } from './digest.ts';
import { isRecord, parseJson } from './manifest.ts';

/** How a container of the image runs (image-spec, config.md "config"). */
export interface RunConfig {
  User?: string;
  /** `8080/tcp`, each with an empty object. */
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  /** Folders, each with an empty object. */
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
}

/** image-spec, config.md. Of a foreign image only what a child image takes over is kept. */
export interface ImageConfig {
  /** RFC 3339. */
  created?: string;
  os: string;
  architecture: string;
  variant?: string;
  config: RunConfig;
  rootfs: { type: 'layers'; diff_ids: Digest[] };
  history: History[];
}

export interface History {
  created?: string;
  created_by?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** @throws SubpipeError `FAILED` when it is no image config. */
export function readConfig(bytes: Buffer, source: string): ImageConfig {
  const value = parseJson(bytes, source);
  const rootfs = isRecord(value) && isRecord(value.rootfs) ? value.rootfs : undefined;
  const diffIds = Array.isArray(rootfs?.diff_ids) ? rootfs.diff_ids : [];
  if (!isRecord(value) || typeof value.os !== 'string' || typeof value.architecture !== 'string') {
    throw new SubpipeError('FAILED', `the image config from ${source} names no os and architecture`);
  }
  return {
    ...(typeof value.created === 'string' ? { created: value.created } : {}),
    os: value.os,
    architecture: value.architecture,
    ...(typeof value.variant === 'string' ? { variant: value.variant } : {}),
    config: isRecord(value.config) ? readRunConfig(value.config) : {},
    rootfs: { type: 'layers', diff_ids: diffIds.filter((item) => typeof item === 'string').filter(isDigest) },
    history: Array.isArray(value.history) ? value.history.filter(isRecord).map(readHistory) : [],
  };
}

function readRunConfig(value: Record<string, unknown>): RunConfig {
  const texts = (list: unknown) => (Array.isArray(list) ? list.filter((item) => typeof item === 'string') : undefined);
  const names = (map: unknown) =>
    isRecord(map) ? Object.fromEntries(Object.keys(map).map((name) => [name, {}])) : undefined;
  const [ports, volumes] = [names(value.ExposedPorts), names(value.Volumes)];
  const env = texts(value.Env);
  const entrypoint = texts(value.Entrypoint);
  const cmd = texts(value.Cmd);
  const labels = Object.entries(isRecord(value.Labels) ? value.Labels : {}).flatMap(([name, text]) =>
    typeof text === 'string' ? [[name, text] as const] : [],
  );
  return {
    ...(typeof value.User === 'string' ? { User: value.User } : {}),
    ...(ports === undefined ? {} : { ExposedPorts: ports }),
    ...(env === undefined ? {} : { Env: env }),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(cmd === undefined ? {} : { Cmd: cmd }),
    ...(volumes === undefined ? {} : { Volumes: volumes }),
    ...(typeof value.WorkingDir === 'string' ? { WorkingDir: value.WorkingDir } : {}),
    ...(labels.length === 0 ? {} : { Labels: Object.fromEntries(labels) }),
    ...(typeof value.StopSignal === 'string' ? { StopSignal: value.StopSignal } : {}),
  };
}

function readHistory(value: Record<string, unknown>): History {
  return {
    ...(typeof value.created === 'string' ? { created: value.created } : {}),
    ...(typeof value.created_by === 'string' ? { created_by: value.created_by } : {}),
    ...(typeof value.comment === 'string' ? { comment: value.comment } : {}),
    ...(value.empty_layer === true ? { empty_layer: true } : {}),
  };
}

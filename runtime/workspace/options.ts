import type { Times } from '../archive/pack/write-tree.ts';
import type { Log } from '../log.ts';
import type { Registries } from './reference.ts';

/** What all take that pulls or pushes a workspace. */
export interface WorkspaceOptions {
  folder: string;
  /** See `memoryFile`. */
  name?: string | undefined;
  stateFolder?: string | undefined;
  registries?: Registries;
  /** Where progress is written over and over, for people who watch. Default: now and then to the log. */
  terminal?: ((text: string) => void) | undefined;
  env: NodeJS.ProcessEnv;
  log: Log;
  signal?: AbortSignal | undefined;
}

/** How new layers are written, and what their image says. */
export interface ImageOptions {
  /** Default nanoseconds. */
  times?: Times | undefined;
  /** Whose the files are in the image. Default 0:0, so that it makes no difference who pushes. */
  owner?: 'keep' | { uid: number; gid: number } | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  /** RFC 3339. Default: the image does not tell when it was made. */
  created?: string | undefined;
  /** What has made the layer, for the image's history. */
  createdBy?: string | undefined;
}

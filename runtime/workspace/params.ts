import type { Log } from '../log.ts';
import { text, words } from '../params.ts';
import type { Registries } from './reference.ts';

/** Flags of all that reads or writes registries. */
export const registryParams = {
  insecure: words('Registries that speak HTTP without TLS, by host and port; true is all of them.', {
    form: 'HOST,…',
  }),
  caFile: text('PEM file with CAs that count for registries beside the usual ones.'),
};

/** How registries are asked, as {@link registryParams} say. */
export function registriesOf(
  { insecure, caFile }: { insecure: readonly string[] | undefined; caFile: string | undefined },
  log: Log,
  signal?: AbortSignal,
): Registries {
  return {
    insecure,
    ...(caFile === undefined ? {} : { caFile }),
    warn: (sentence) => log.warn(sentence),
    signal,
  };
}

/** Flags that say where is kept what a pull has seen. */
export const stateParams = {
  name: text("The workspace's name, for what is kept of it between pull and push. Default: from the folder's path."),
  stateFolder: text(
    'The folder, outside the workspace, that keeps what a pull has seen. Default: one that the steps of a pod share.',
  ),
};

/** Flags that make a pull or push one of a cache. */
export function cacheParams(what: string) {
  return {
    key: text(
      `${what} {hash PATTERN …} in it is the hash of all files that match, {os} and {arch} are those of the machine.`,
    ),
    keyFolder: text('The folder that the patterns of key look in. Default: folder.'),
  };
}

import { invalid } from '../../runtime/errors.ts';
import { authSecret, authSecretName, wantsAuthSecret } from '../../runtime/resolve/auth-secret.ts';
import { readNamed, type SourceText } from '../../runtime/resolve/checkout.ts';
import type { RepositoryEvent } from '../../runtime/resolve/event.ts';
import { gitInfo, ownerOf, webUrl } from '../../runtime/resolve/git-info.ts';
import type { Fields } from '../../runtime/shape.ts';
import { inPod, type Place } from './place.ts';
import type { Context } from './work.ts';

/** `-p name=value`: all after the first `=` is the value; the last of a name counts. */
export function givenParams(words: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals <= 0) {
      throw invalid(`-p must be name=value, but is ${JSON.stringify(word)}`, {
        hint: 'A value with a comma in it stands in double quotes: -p \'"name=a,b"\'.',
      });
    }
    params[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return params;
}

interface Known {
  given: Readonly<Record<string, string>>;
  event: RepositoryEvent | undefined;
  place: Place;
  token: string | undefined;
}

/** What `{{ variables }}` stand for: `-p` first, then the event, then the git work tree, which is asked only when it must be. */
export class Variables {
  readonly #context: Context;
  readonly #known: Known;
  #secretName: string | undefined;
  #asked: Promise<Record<string, string>> | undefined;
  readonly #unknown = new Set<string>();

  constructor(context: Context, known: Known) {
    this.#context = context;
    this.#known = known;
  }

  /** The text with its variables replaced. */
  async put(text: string, file: string): Promise<string> {
    const { event } = this.#known;
    const { substitute } = await import('../../runtime/resolve/event/substitute.ts');
    const replaced = await substitute(text, {
      variables: await this.#all(),
      body: event?.body,
      headers: event?.headers ?? {},
      files: event?.changed,
    });
    for (const name of replaced.unknown) this.#unknown.add(`{{${name}}} in ${file}`);
    return replaced.text;
  }

  /** Variables that stayed are most often a mistake. */
  warn(): void {
    if (this.#unknown.size > 0) this.#context.log.debug(`without a value: ${[...this.#unknown].join(', ')}`);
  }

  /** The repository's URL: of `-p repo_url`, the event, or git. */
  async repoUrl(): Promise<string | undefined> {
    return (await this.#values()).repo_url;
  }

  /**
   * The Secret for git, where the texts use `git_auth_secret`. None is made where `-p` names one, or the cluster of the kubeconfig has one
   * for the repository; else there must be a token for it.
   *
   * @throws SubpipeError `INVALID` where a token is needed and there is nobody to ask, and where nobody would create the Secret.
   */
  async authSecret(texts: readonly SourceText[]): Promise<Fields | undefined> {
    const { params, env, signal } = this.#context;
    const { given, token: known } = this.#known;
    if (params.noSecret || given.git_auth_secret !== undefined) return undefined;
    if (!texts.some(({ text }) => wantsAuthSecret(text))) return undefined;
    const { repo_url = '', revision = '', repo_owner = '', repo_name = '' } = await this.#values();
    if (!inPod(env)) {
      const { clusterSecret } = await import('./cluster-secret.ts');
      this.#secretName = await clusterSecret(this.#context, { owner: repo_owner, repository: repo_name });
      if (this.#secretName !== undefined) return undefined;
    }
    if (params.create) {
      throw invalid('the files use git_auth_secret, and --create makes no Secret', {
        hint: 'Name one that is there with -p git_auth_secret=NAME, or leave it out with --no-secret.',
      });
    }
    const token = known ?? (await (await import('./ask-token.ts')).askToken(signal));
    if (token === undefined) return undefined;
    const name = await authSecretName();
    this.#secretName = name;
    return authSecret(name, token, { url: repo_url, revision, owner: repo_owner, repository: repo_name });
  }

  /** All, with the name of the Secret where one was found or made. */
  async #all(): Promise<Record<string, string>> {
    const values = await this.#values();
    return this.#secretName === undefined ? values : { ...values, git_auth_secret: this.#secretName };
  }

  #values(): Promise<Record<string, string>> {
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  async #ask(): Promise<Record<string, string>> {
    const { given, event, place } = this.#known;
    const { env, signal } = this.#context;
    const told = event === undefined ? {} : await this.#ofEvent(event);
    const values: Record<string, string> = { ...told, ...given };
    if (place.remote !== undefined) {
      values.repo_url ??= webUrl(place.remote.url);
      values.revision ??= place.remote.revision;
    } else if (values.repo_url === undefined || values.revision === undefined || values.repo_owner === undefined) {
      const git = await gitInfo(place.folder, env, signal);
      if (git !== undefined && git.url !== '') values.repo_url ??= git.url;
      if (git !== undefined) values.revision ??= git.revision;
    }
    const owner = ownerOf(values.repo_url ?? '');
    if (owner !== undefined) {
      values.repo_owner ??= owner.owner;
      values.repo_name ??= owner.name;
    }
    return values;
  }

  async #ofEvent(event: RepositoryEvent): Promise<Record<string, string>> {
    const { params, log, signal } = this.#context;
    const { given, place } = this.#known;
    const { eventVariables } = await import('../../runtime/resolve/event/custom-params.ts');
    const [file] = params.repositoryFile === undefined ? [] : readNamed([params.repositoryFile], place.folder);
    const { parseRepository } = await import('../../runtime/resolve/event/repository-resource.ts');
    const resource = file === undefined ? undefined : await parseRepository(file.text, file.path);
    const { variables, warnings } = await eventVariables(event, resource, {
      given: new Set(Object.keys(given)),
      signal,
    });
    for (const warning of warnings) log.warn(warning);
    return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  }
}

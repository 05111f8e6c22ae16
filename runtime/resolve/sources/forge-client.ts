import { SubpipeError } from '../../errors.ts';
import { addSecret } from '../../redact.ts';
import type { Downloader } from './download.ts';
import { type ApiClient, type ApiRequest, type ForgeApi, forgeApi, isCommit } from './forge.ts';
import type { ForgeKind } from './forge-kind.ts';
import type { FileAtRef } from './forge-url.ts';
import type { Answer, Origin } from './origin.ts';
import { publicUrl } from './public-url.ts';
import type { Reader } from './reader.ts';
import { tokenHeaders } from './token.ts';

export interface ForgeClientOptions {
  kind: ForgeKind;
  /** Base of the forge's web pages. */
  web: URL;
  /** Base of its API, where it is not where it is with this kind of forge. */
  apiUrl?: string | undefined;
  token?: string | undefined;
  downloader: Downloader;
  reader: Reader;
}

/** One forge's API, with its token. The token goes to the API's host and nowhere else. */
export class ForgeClient implements ApiClient {
  readonly kind: ForgeKind;
  readonly api: ForgeApi;
  readonly host: string;
  readonly #base: string;
  readonly #options: ForgeClientOptions;
  readonly #headers: Record<string, string>;

  constructor(options: ForgeClientOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.api = forgeApi(options.kind);
    this.#base = options.apiUrl?.replace(/\/$/, '') ?? this.api.base(options.web);
    this.host = new URL(this.#base).host;
    this.#headers = tokenHeaders(options.kind, options.token);
    if (options.token !== undefined) addSecret(options.token);
    for (const value of Object.values(this.#headers)) addSecret(value.replace(/^\w+ /, ''));
  }

  async text(request: ApiRequest, signal?: AbortSignal): Promise<string> {
    const from = publicUrl(`${this.#base}${request.path}`);
    const origin: Origin = {
      from,
      immutable: request.immutable ?? false,
      read: (known, ended) => this.#get(request, { known, signal: ended, title: from, hint: this.#hint() }),
    };
    return (await this.#options.reader.read(origin, signal)).text;
  }

  async json(request: ApiRequest, signal?: AbortSignal): Promise<unknown> {
    const text = await this.text(request, signal);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new SubpipeError('FAILED', `${this.host} answered ${request.path.replace(/\?.*/, '')} with no JSON`, {
        cause,
      });
    }
  }

  /** A file as a source of its own. @param from what the user calls it. */
  file(at: FileAtRef, from: string, hint?: string): Origin {
    return {
      from,
      immutable: isCommit(at.ref),
      asked: publicUrl(`${this.#base}${this.api.file(at).path}`),
      read: async (known, signal) => {
        const settled = (await this.api.settle?.(this, at, signal)) ?? at;
        const advice = [hint, this.#hint()].filter((part) => part !== undefined).join(' ');
        return await this.#get(this.api.file(settled), { known, signal, title: from, hint: advice });
      },
    };
  }

  async #get(
    request: ApiRequest,
    rest: {
      known: Parameters<Origin['read']>[0];
      signal: AbortSignal | undefined;
      title: string;
      hint: string | undefined;
    },
  ): Promise<Answer> {
    const accept: Record<string, string> = request.accept === undefined ? {} : { accept: request.accept };
    const answer = await this.#options.downloader.get({
      url: `${this.#base}${request.path}`,
      headers: { ...accept, ...this.#headers },
      ...rest,
    });
    return answer.kind === 'same' ? answer : { kind: 'text', text: answer.text, validators: answer.validators };
  }

  #hint(): string {
    return this.#options.token === undefined
      ? `Where the repository is private, give a token for ${this.host} (-t or PAC_PROVIDER_TOKEN).`
      : `The token must be one of ${this.host} that may read the repository.`;
  }
}

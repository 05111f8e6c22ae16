import { invalid } from '../errors.ts';
import { type Document, readDocuments } from './document.ts';
import { type Reference, titleOf, type Wanted } from './reference.ts';
import type { Fetched, Sources } from './sources.ts';

/** A Task, a Pipeline or a StepAction from somewhere else. */
export interface RemoteDocument {
  document: Document;
  fetched: Fetched;
}

const kindOf = { task: 'Task', pipeline: 'Pipeline', stepaction: 'StepAction' } as const;

/** Fetched and parsed once, however often it is named. */
export class Remote {
  readonly #sources: Sources;
  readonly #signal: AbortSignal | undefined;
  readonly #asked = new Map<string, Promise<RemoteDocument>>();

  constructor(sources: Sources, signal: AbortSignal | undefined) {
    this.#sources = sources;
    this.#signal = signal;
  }

  /**
   * The Task or Pipeline that a reference leads to: the first Tekton object of its text, as Pipelines-as-Code reads it.
   * @throws SubpipeError `INVALID` where that is no such object; what the sources throw.
   */
  get(reference: Reference, wanted: Wanted): Promise<RemoteDocument> {
    const key = JSON.stringify([wanted, reference]);
    const known = this.#asked.get(key);
    if (known !== undefined) return known;
    const asked = this.#get(reference, wanted);
    this.#asked.set(key, asked);
    return asked;
  }

  async #get(reference: Reference, wanted: Wanted): Promise<RemoteDocument> {
    const fetched = await this.#sources.fetch(reference, wanted, this.#signal);
    const documents = await readDocuments(fetched.text, fetched.from);
    const kind = kindOf[wanted];
    const [document] = documents;
    if (document?.kind !== kind) {
      const holds =
        documents.length === 0 ? 'no Tekton object' : documents.map((one) => `${one.kind} ${one.name}`).join(', ');
      throw invalid(`${titleOf(reference)} must be one ${kind}, but holds ${holds}`);
    }
    return { document, fetched };
  }
}

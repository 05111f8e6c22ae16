import { mkdirSync } from 'node:fs';
import { HeldFolder } from './inside.ts';

/** The folder that a pull works in, at the top of a workspace: held open, so that what it was is what it stays. */
export class WorkFolder implements Disposable {
  readonly #held: readonly HeldFolder[];
  /** The folder itself. */
  readonly path: string;
  /** What comes. */
  readonly fresh: string;
  /** What was there. */
  readonly aside: string;

  private constructor(path: string, make?: { mode: number }) {
    const stack = new DisposableStack();
    const hold = (place: string, mode: number | undefined): HeldFolder => {
      if (mode !== undefined) mkdirSync(place, mode);
      return stack.use(new HeldFolder(place));
    };
    try {
      const work = hold(path, make === undefined ? undefined : 0o700);
      const fresh = hold(`${work.path}/new`, make?.mode);
      const aside = hold(`${work.path}/old`, make === undefined ? undefined : 0o700);
      stack.move();
      this.#held = [work, fresh, aside];
      [this.path, this.fresh, this.aside] = [work.path, fresh.path, aside.path];
    } catch (error) {
      stack.dispose();
      throw error;
    }
  }

  /** @param mode of the folder for what comes; nobody else can enter the others. */
  static make(path: string, mode = 0o700): WorkFolder {
    return new WorkFolder(path, { mode });
  }

  /** The one that a pull has left; undefined where it had not begun, or it is somebody else's. */
  static find(path: string): WorkFolder | undefined {
    try {
      return new WorkFolder(path);
    } catch {
      return undefined;
    }
  }

  /** @throws SubpipeError `FAILED` where something else has moved a part of it. */
  check(): void {
    for (const held of this.#held) held.check();
  }

  [Symbol.dispose](): void {
    for (const held of this.#held) held[Symbol.dispose]();
  }
}

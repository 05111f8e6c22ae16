/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
    // Seeds that follow each other begin alike without this.
    for (let index = 0; index < 3; index++) this.next();
  }

  /** At least 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from 0 to `below`, without `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const [first] = from.slice(this.below(from.length));
    if (first === undefined) throw new RangeError('nothing to pick from');
    return first;
  }

  /** Some of them, in another order. */
  some<T>(from: readonly T[], most = from.length): T[] {
    const left = [...from];
    const taken: T[] = [];
    for (let count = this.below(Math.min(most, left.length) + 1); count > 0; count--)
      taken.push(...left.splice(this.below(left.length), 1));
    return taken;
  }

  /** The value of `make`, or nothing to spread. */
  maybe<T extends object>(probability: number, make: () => T): T | Record<never, never> {
    return this.chance(probability) ? make() : {};
  }

  /** From `least` to `most` of them. */
  many<T>(least: number, most: number, make: (index: number) => T): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, (_, index) => make(index));
  }
}

import { numbers } from '../../../support/random.ts';

/** What looks random and is the same for the same seed. */
export class Random {
  /** At least 0, less than 1. */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = numbers(seed);
    // Seeds that follow each other begin alike without this.
    for (let index = 0; index < 3; index++) this.next();
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

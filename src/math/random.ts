/** @file The one source of randomness: seeded, repeatable on every machine, injected where it is needed. */

export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  next(): number;
  /** Uniform integer in [0, n), without modulo bias. n is a positive integer up to 2^32. */
  int(n: number): number;
  /** Standard normal deviate. */
  normal(): number;
  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[];
  /** `count` distinct integers of [0, n) in random order; all of them when `count` >= n. */
  sample(n: number, count: number): number[];
  /** An independent generator, named so that adding a consumer does not shift the numbers of the others. */
  fork(name: string): Random;
}

const TWO_32 = 0x1_0000_0000;

/** SplitMix32 step: spreads a seed over the state words. */
function createSplitMix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

/** FNV-1a, 32 bits: the seed of a fork is its parent's seed mixed with its name. */
function hashName(name: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  return hash;
}

function rotateLeft(value: number, bits: number): number {
  return ((value << bits) | (value >>> (32 - bits))) >>> 0;
}

/** xoshiro128** (Blackman and Vigna 2018), seeded through SplitMix32: 128 bits of state, period 2^128 - 1. */
function createXoshiro(seed: number): () => number {
  const splitMix = createSplitMix32(seed);
  let [a, b, c, d] = [splitMix(), splitMix(), splitMix(), splitMix()];
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
}

/** Same seed, same numbers, on every machine. The seed is taken modulo 2^32. */
export function createRandom(seed: number): Random {
  const bits = createXoshiro(seed);
  let spare: number | null = null;
  const int = (n: number): number => {
    const limit = TWO_32 - (TWO_32 % n);
    let value = bits();
    while (value >= limit) value = bits();
    return value % n;
  };
  const next = (): number => bits() / TWO_32;
  return {
    next,
    int,
    normal(): number {
      if (spare !== null) {
        const value = spare;
        spare = null;
        return value;
      }
      // Box-Muller; 1 - next() is in (0, 1], so the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    shuffle<T>(items: T[]): T[] {
      for (let i = items.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [items[i], items[j]] = [items[j]!, items[i]!];
      }
      return items;
    },
    sample(n, count) {
      const taken = Math.min(n, count);
      const moved = new Map<number, number>(); // a Fisher-Yates shuffle that only remembers what it moved
      return Array.from({ length: taken }, (_unused, i) => {
        const j = i + int(n - i);
        const value = moved.get(j) ?? j;
        moved.set(j, moved.get(i) ?? i);
        return value;
      });
    },
    fork: (name) => createRandom(hashName(name, seed)),
  };
}

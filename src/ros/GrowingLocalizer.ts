/** @file A localizer over a map that grows, and under settings that change, without losing where it is. Pure. */
import type { Decision, Localizer, Observation } from '../localization/Localizer.ts';

/** The sequence filter forgets faster than this many frames. */
const REMEMBERED = 20;

/**
 * A localizer's map and settings are fixed when it is created. So a new one is created when they change, and is shown the last
 * frames before it takes over: it then believes what the old one believed.
 */
export class GrowingLocalizer<T> implements Localizer {
  readonly #create: (setup: T) => Localizer;
  #localizer: Localizer;
  /** Since the last reset, oldest first. */
  #recent: Observation[] = [];

  constructor(create: (setup: T) => Localizer, setup: T) {
    this.#create = create;
    this.#localizer = create(setup);
  }

  process(observation: Observation): Decision {
    this.#recent.push(observation);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
    return this.#localizer.process(observation);
  }

  reset(): void {
    this.#recent = [];
    this.#localizer.reset();
  }

  /** Over another map, or with other settings. */
  change(setup: T): void {
    const next = this.#create(setup);
    for (const observation of this.#recent) next.process(observation);
    this.#localizer = next;
  }
}

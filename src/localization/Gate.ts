/** @file From probabilities to a state that does not flicker, with the reason in words. */
import type { LocalizationState } from './Localizer.ts';
import type { LocalizerOptions } from './localizerOptions.ts';

/** What the gate decides on: the best place, the runner-up, and what is left. */
export interface GateInput {
  /** Mass within the place radius around the best place. */
  readonly confidence: number;
  /** Representative row of the best place, null when there is none. */
  readonly row: number | null;
  readonly image: string;
  /** Probability of the best other place, 0 when there is none. */
  readonly second: number;
  readonly offMap: number;
  /** True when the best place is where the last frame's best place may have got to, or there was no last frame. */
  readonly continues: boolean;
  /** The frame gave no usable match at all. */
  readonly empty: boolean;
}

export interface GateOutput {
  readonly state: LocalizationState;
  readonly reason: string;
}

type GateOptions = Pick<LocalizerOptions, 'acceptProbability' | 'keepProbability' | 'offMapProbability'>;

/** Below it no place stands out enough to be called uncertain between some. */
const LOST_BELOW = 0.3;

export class Gate {
  readonly #options: GateOptions;
  #located = false;
  /** The last frame had the probability that it needed, or there was none. */
  #enough = true;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  reset(): void {
    this.#located = false;
    this.#enough = true;
  }

  decide(input: GateInput): GateOutput {
    const { acceptProbability, keepProbability, offMapProbability } = this.#options;
    // Either may be set alone while the node runs: staying never asks for more than coming in.
    const kept = Math.min(keepProbability, acceptProbability);
    const needed = this.#located && input.continues ? kept : acceptProbability;
    const enough = input.row !== null && input.confidence >= needed;
    // Once lost, it takes two frames: a corner that looks like another is soon passed, and the state must not flicker.
    this.#located = enough && this.#enough && input.continues;
    this.#enough = enough;
    const [best, wanted] = [percent(input.confidence), percent(needed)];
    if (this.#located) return { state: 'located', reason: `At ${input.image} with ${best}, ${wanted} needed.` };
    if (enough) return { state: 'uncertain', reason: `Perhaps ${input.image}: ${best}; the next frame has to agree.` };
    if (input.empty && input.offMap < offMapProbability) {
      return { state: 'lost', reason: 'The search returned no place of this map.' };
    }
    if (input.offMap >= offMapProbability) {
      return { state: 'off_map', reason: `Off the map with ${percent(input.offMap)}: no place fits what is seen.` };
    }
    if (input.row === null || input.confidence < LOST_BELOW) {
      return { state: 'lost', reason: `No place stands out: the best has ${best}, ${wanted} needed.` };
    }
    const rival = input.second > 0.1 ? ` Another place has ${percent(input.second)}.` : '';
    return { state: 'uncertain', reason: `Perhaps ${input.image}: ${best}, ${wanted} needed.${rival}` };
  }
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}

/**
 * @file A discrete Bayes filter over the map's places.
 *
 * The belief is sparse: masses on some places, one mass for "somewhere else on the map" and one for "off the map"; they
 * sum to 1. Its cost follows the number of places that hold mass, not the size of the map. The two masses without a
 * place are what makes a robust restart possible: a kidnapped camera needs no reset.
 */
import type { FrameHypotheses, FramePlace } from './frameHypotheses.ts';
import type { ChartPoint } from './ChartGrid.ts';
import { pointOf, type MapGeometry } from './MapGeometry.ts';

/** How the camera may have moved since the last frame. Lengths in metres or steps. */
export type Motion =
  /** Anywhere within `reach`. */
  | { readonly kind: 'bounded'; readonly reach: number }
  /** By (forward, left) in the camera's own axes, with a one-sigma error. */
  | { readonly kind: 'odometry'; readonly forward: number; readonly left: number; readonly sigma: number };

export interface FilterSettings {
  /** Exponent on the likelihood of a further frame, 0..1. */
  readonly frameWeight: number;
}

export interface Belief {
  /** Row -> mass; no order. */
  readonly rows: ReadonlyMap<number, number>;
  readonly somewhere: number;
  readonly offMap: number;
}

/** Rows kept; what is cut goes to "somewhere". */
const MAX_SUPPORT = 128;
/** Rows that one row's mass may spread to; a motion that reaches more says nothing. */
const MAX_NEIGHBOURS = 256;
const NEGLIGIBLE = 1e-5;
/** Nearness ends at this many sigmas. */
const CUT_OFF = 2.5;

/** Chances per frame of leaving the map, coming back, and being carried elsewhere on the map. */
const LEAVE = 0.02;
const RETURN = 0.1;
const KIDNAP = 0.02;
/** Chance that the right place is not among the matches although the camera is on the map. */
const MISS = 0.05;
/**
 * Odds that an answer where the belief expects one gives to the map beyond what the frame says for itself. Little, since a
 * street that looks like another answers in order, too.
 */
const IN_ORDER_ODDS = 1.3;
/** A frame's probabilities were fitted with right and wrong about equally likely beforehand. */
const EVEN = 0.5;
/** Each new view uses up this much of the trust in the image of the map that it rests on. */
const WEAR = 0.15;
/** Of that wear, what a frame later is left. */
const WEAR_KEPT = 0.95;
const WORN_OFF = 0.01;
/** Of a place's evidence, what speaks for a row that none of its matches is near. */
const LEAST_NEARNESS = 0.02;
/** A match speaks for the rows around it, with this one-sigma reach in spacings. */
const NEAR_SPACINGS = 0.5;

export class SequenceFilter {
  readonly #geometry: MapGeometry;
  readonly #settings: FilterSettings;
  #rows = new Map<number, number>();
  #somewhere = EVEN;
  #offMap = EVEN;
  #started = false;
  /** Row -> how much its image has spoken lately, 0..1. */
  #worn = new Map<number, number>();
  /** Row of the last frame's best match. */
  #answer: number | null = null;

  constructor(geometry: MapGeometry, settings: FilterSettings) {
    this.#geometry = geometry;
    this.#settings = settings;
  }

  get belief(): Belief {
    return { rows: this.#rows, somewhere: this.#somewhere, offMap: this.#offMap };
  }

  reset(): void {
    this.#rows = new Map();
    this.#somewhere = EVEN;
    this.#offMap = EVEN;
    this.#started = false;
    this.#worn = new Map();
    this.#answer = null;
  }

  /**
   * Spreads the belief by the motion since the last frame. Mass whose motion leads nowhere on the map becomes "somewhere".
   * `novelty` in 0..1 says how much of the view is new: a camera that stands sees one view again and again, and neither
   * leaves the map nor learns anything by it.
   */
  predict(motion: Motion, novelty = 1): void {
    if (!this.#started) return;
    const stays = 1 - (LEAVE + KIDNAP) * novelty;
    const predicted = new Map<number, number>();
    for (const [row, mass] of this.#rows) {
      const targets = this.#targets(row, motion);
      const total = targets.reduce((sum, target) => sum + target.weight, 0);
      if (!(total > 0)) continue;
      addTo(predicted, row, stays * mass * (1 - novelty));
      for (const target of targets) addTo(predicted, target.row, (stays * mass * novelty * target.weight) / total);
    }
    this.#rows = predicted;
    this.#offMap = this.#offMap * (1 - RETURN * novelty) + (1 - this.#offMap) * LEAVE * novelty;
    this.#somewhere = Math.max(0, 1 - this.#offMap - sumOf(predicted));
  }

  /** Weighs the belief by a frame. The first frame's posterior is the frame's own probabilities. */
  update(frame: FrameHypotheses, novelty = 1): void {
    const freshness = this.#wear(frame.places[0], novelty);
    const weight = this.#settings.frameWeight * novelty;
    if (!this.#started) this.#start(frame);
    else this.#weigh(frame, { weight, freshWeight: weight * freshness });
    this.#started = true;
    this.#answer = frame.places[0]?.matches[0]!.row ?? null;
    this.#prune();
  }

  /**
   * How much of the best place's evidence comes from images of the map that have not spoken lately, 0..1. One that resembles
   * many a view (a bare wall, an open road) resembles the next one too, and must not be counted for ever.
   */
  #wear(best: FramePlace | undefined, novelty: number): number {
    if (best === undefined) return 1;
    const total = weightOf(best);
    const worn = best.matches.reduce((sum, { row, weight }) => sum + (weight / total) * (this.#worn.get(row) ?? 0), 0);
    for (const [row, wear] of this.#worn) {
      if (wear < WORN_OFF) this.#worn.delete(row);
      else this.#worn.set(row, wear * WEAR_KEPT);
    }
    for (const { row, weight } of best.matches) {
      this.#worn.set(row, Math.min(1, (this.#worn.get(row) ?? 0) + WEAR * novelty * weight));
    }
    return 1 - worn;
  }

  #start(frame: FrameHypotheses): void {
    this.#rows = new Map();
    for (const place of frame.places) {
      const total = weightOf(place);
      for (const match of place.matches) addTo(this.#rows, match.row, (place.probability * match.weight) / total);
    }
    this.#somewhere = frame.noneProbability * EVEN;
    this.#offMap = frame.noneProbability * EVEN;
  }

  /**
   * What a frame says of a place decides between places, "somewhere" and "off the map"; which of its rows it is, is decided
   * within the place. So a belief that is spread over a place agrees with it as much as one that is certain of a row.
   */
  #weigh(frame: FrameHypotheses, given: { readonly weight: number; readonly freshWeight: number }): void {
    const { weight, freshWeight } = given;
    // What speaks against the map is always heard in full.
    const exponent = (frame.places[0]?.probability ?? 0) > EVEN ? freshWeight : weight;
    const noneLikelihood = (frame.noneProbability / EVEN) ** exponent;
    const missLikelihood = ((MISS * frame.noneProbability) / EVEN) ** exponent;
    const rows = new Map<number, number>();
    const left = new Map(this.#rows);
    // Of the mass without a place, each of the frame's places gets its share: this is how a lost camera is found.
    const onPlaces = 1 - frame.noneProbability;
    for (const place of frame.places) {
      if (!(onPlaces > 0)) break;
      const likelihood = Math.max(missLikelihood, (place.probability / EVEN) ** exponent);
      const inOrder = this.#isChain(place) ? IN_ORDER_ODDS ** freshWeight : 1;
      for (const { row, mass } of this.#within(place, left, weight)) addTo(rows, row, mass * likelihood * inOrder);
      const share = (this.#somewhere * (1 - MISS) * place.probability) / onPlaces;
      const total = weightOf(place);
      for (const match of place.matches) addTo(rows, match.row, ((share * match.weight) / total) * likelihood);
    }
    for (const [row, mass] of left) addTo(rows, row, mass * missLikelihood);
    const somewhere = this.#somewhere * missLikelihood;
    const offMap = this.#offMap * noneLikelihood;
    const total = sumOf(rows) + somewhere + offMap;
    if (!(total > 0) || !Number.isFinite(total)) {
      this.#start(frame);
      return;
    }
    this.#rows = new Map([...rows].map(([row, mass]) => [row, mass / total]));
    this.#somewhere = somewhere / total;
    this.#offMap = offMap / total;
  }

  /** The same image again is no chain, nor are answers by similarity alone, which finds the same look-alikes all along. */
  #isChain(place: FramePlace): boolean {
    return place.matches[0]!.row !== this.#answer && !Number.isNaN(place.evidence);
  }

  /** Takes the mass that lies on a place out of `left`, and shares it out by how near each row is to the matches. */
  #within(
    place: FramePlace,
    left: Map<number, number>,
    exponent: number,
  ): readonly { readonly row: number; readonly mass: number }[] {
    const geometry = this.#geometry;
    const seed = place.matches[0]!.row;
    const inside = [...left].filter(([row]) => geometry.distance(row, seed) <= geometry.placeRadius);
    const masses = inside.map(([row, mass]) => ({ row, mass: mass * this.#nearness(row, place) ** exponent }));
    const [before, after] = [
      inside.reduce((sum, [, mass]) => sum + mass, 0),
      masses.reduce((sum, { mass }) => sum + mass, 0),
    ];
    if (!(after > 0)) return [];
    for (const [row] of inside) left.delete(row);
    return masses.map(({ row, mass }) => ({ row, mass: (mass * before) / after }));
  }

  /** How much of a place's evidence speaks for one row, up to 1. */
  #nearness(row: number, place: FramePlace): number {
    let nearest = LEAST_NEARNESS;
    for (const match of place.matches) {
      const distance = this.#geometry.distance(row, match.row);
      nearest = Math.max(nearest, match.weight * bump(distance, this.#geometry.spacing * NEAR_SPACINGS));
    }
    return nearest;
  }

  #targets(row: number, motion: Motion): { readonly row: number; readonly weight: number }[] {
    const geometry = this.#geometry;
    const { centre, radius, weigh } = kernel(geometry, row, motion);
    const targets: { readonly row: number; readonly weight: number }[] = [];
    geometry.forEachWithin(centre, radius, (target, distance) => {
      const weight = weigh(distance);
      if (weight > 0) targets.push({ row: target, weight });
      return targets.length <= MAX_NEIGHBOURS;
    });
    return targets.length > MAX_NEIGHBOURS ? [] : targets;
  }

  #prune(): void {
    let entries = [...this.#rows].filter(([, mass]) => mass > NEGLIGIBLE);
    if (entries.length > MAX_SUPPORT) {
      entries.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
      entries = entries.slice(0, MAX_SUPPORT);
    }
    this.#rows = new Map(entries);
    this.#somewhere = Math.max(0, 1 - this.#offMap - sumOf(this.#rows));
  }
}

interface Kernel {
  readonly centre: ChartPoint;
  readonly radius: number;
  readonly weigh: (distance: number) => number;
}

/** Where a row's mass goes: a disc without odometry, a bump at the displaced position, or a ring when the heading is unknown. */
function kernel(geometry: MapGeometry, row: number, motion: Motion): Kernel {
  const here = pointOf(geometry, row);
  const half = geometry.spacing / 2;
  if (motion.kind === 'bounded') {
    const { reach } = motion;
    const weigh = (distance: number): number => bump(Math.max(0, distance - reach), half);
    return { centre: here, radius: reach + CUT_OFF * half, weigh };
  }
  const sigma = Math.hypot(half, motion.sigma);
  const yaw = geometry.yaw[row]!;
  if (!Number.isFinite(yaw)) {
    const travelled = Math.hypot(motion.forward, motion.left);
    const weigh = (distance: number): number => bump(distance - travelled, sigma);
    return { centre: here, radius: travelled + CUT_OFF * sigma, weigh };
  }
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  const centre = {
    chart: here.chart,
    x: here.x + c * motion.forward - s * motion.left,
    y: here.y + s * motion.forward + c * motion.left,
  };
  return { centre, radius: CUT_OFF * sigma, weigh: (distance) => bump(distance, sigma) };
}

/** A Gaussian that reaches zero at the cut-off, so that no place enters or leaves with a jump. */
function bump(distance: number, sigma: number): number {
  const floor = Math.exp(-0.5 * CUT_OFF ** 2);
  return Math.max(0, (Math.exp(-0.5 * (distance / sigma) ** 2) - floor) / (1 - floor));
}

/** Of all matches of a place. */
function weightOf(place: FramePlace): number {
  return place.matches.reduce((sum, { weight }) => sum + weight, 0);
}

function addTo(masses: Map<number, number>, row: number, mass: number): void {
  masses.set(row, (masses.get(row) ?? 0) + mass);
}

function sumOf(masses: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const mass of masses.values()) sum += mass;
  return sum;
}

/** @file Matches in, decision out: hypotheses, sequence filter, prior and gate behind the `Localizer` port. */
import { createDatum, toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import type { GeoPoint } from '../geo/Pose.ts';
import { computeBeliefPlaces, type BeliefPlace } from './beliefPlaces.ts';
import { computeFrameHypotheses, splitByHeading, type FrameHypotheses, type FrameMatch } from './frameHypotheses.ts';
import { FrameMotion, type FrameStep } from './frameMotion.ts';
import { Gate } from './Gate.ts';
import type { Decision, Localizer, Observation, PoseHypothesis, PositionPrior } from './Localizer.ts';
import { resolveLocalizerOptions, type LocalizerOptions } from './localizerOptions.ts';
import { createMapGeometry, type MapGeometry } from './MapGeometry.ts';
import type { MapPlace } from './MapPlace.ts';
import { defaultCalibration, type PlaceCalibration } from './PlaceCalibration.ts';
import { estimatePose, type PoseEstimate } from './poseMoments.ts';
import { applyFix, judgeFix } from './positionPrior.ts';
import { SequenceFilter } from './SequenceFilter.ts';

export interface LocalizerSetup {
  /** Rows of the map in any order; ids are unique. */
  readonly places: readonly MapPlace[];
  /** Origin of the map frame, when the map has one: hypotheses then carry their own geodetic position. */
  readonly datum?: GeoPoint | null;
  /** As stored in the map; null = conservative behaviour. */
  readonly calibration: PlaceCalibration | null;
  readonly options?: Partial<LocalizerOptions>;
}

/** Throws `usage` when an option is out of range. Nothing that `process` is given makes it throw. */
export function createLocalizer(setup: LocalizerSetup): Localizer {
  return new PlaceLocalizer(setup);
}

class PlaceLocalizer implements Localizer {
  readonly #geometry: MapGeometry;
  readonly #calibration: PlaceCalibration;
  readonly #options: LocalizerOptions;
  readonly #filter: SequenceFilter;
  readonly #motion: FrameMotion;
  readonly #gate: Gate;
  readonly #datum: LocalDatum | null;
  #lastFix: PositionPrior | null = null;
  #locatedRow: number | null = null;
  /** Middle of the last frame's best place. */
  #bestRow: number | null = null;

  constructor(setup: LocalizerSetup) {
    this.#options = resolveLocalizerOptions(setup.options);
    this.#calibration = setup.calibration ?? defaultCalibration();
    this.#geometry = createMapGeometry(setup.places, this.#options, this.#calibration.revisits);
    this.#datum = setup.datum === undefined || setup.datum === null ? null : createDatum(setup.datum);
    this.#filter = new SequenceFilter(this.#geometry, this.#options);
    this.#motion = new FrameMotion(this.#geometry, this.#options);
    this.#gate = new Gate(this.#options);
  }

  reset(): void {
    this.#filter.reset();
    this.#motion.reset();
    this.#gate.reset();
    this.#lastFix = null;
    this.#locatedRow = null;
    this.#bestRow = null;
  }

  process(observation: Observation): Decision {
    if (!this.#options.sequence) this.reset();
    const step = this.#motion.advance(observation);
    if (!step.connected) {
      this.#filter.reset();
      this.#gate.reset();
      this.#locatedRow = null;
      this.#bestRow = null;
    }
    this.#filter.predict(step.motion, step.novelty);
    const seen = computeFrameHypotheses(this.#geometry, this.#calibration, observation.matches);
    const { frame, remark } = this.#usePrior(seen, observation.fix);
    this.#filter.update(frame, step.novelty);
    return this.#decide(observation, { frame, remark, step });
  }

  /** The fix is weighed in when it passes the innovation tests; the remark says so when it does not. */
  #usePrior(frame: FrameHypotheses, fix: PositionPrior | null): { frame: FrameHypotheses; remark: string } {
    if (fix === null || this.#geometry.kind === 'topological') return { frame, remark: '' };
    const verdict = judgeFix(fix, {
      lastFix: this.#lastFix,
      maxSpeedMps: this.#options.maxSpeedMps,
      estimate: this.#confidentEstimate(),
    });
    this.#lastFix = fix;
    if (verdict.kind === 'ignored') return { frame, remark: ` ${verdict.reason}` };
    return { frame: applyFix(this.#geometry, frame, { fix, errorM: this.#errorM }), remark: '' };
  }

  /** Where the belief is before this frame, if it is located there. */
  #confidentEstimate(): PoseEstimate | null {
    if (this.#locatedRow === null) return null;
    const [best] = computeBeliefPlaces(this.#geometry, this.#filter.belief.rows, 1);
    return best === undefined ? null : estimatePose(this.#geometry, best.rows, this.#errorM);
  }

  #decide(
    observation: Observation,
    { frame, remark, step }: { frame: FrameHypotheses; remark: string; step: FrameStep },
  ): Decision {
    const geometry = this.#geometry;
    const { belief } = this.#filter;
    const places = computeBeliefPlaces(geometry, belief.rows, this.#options.maxHypotheses);
    const best = places[0];
    const hypotheses = this.#describe(places, frame);
    const reach =
      step.motion.kind === 'bounded' ? step.motion.reach : Math.hypot(step.motion.forward, step.motion.left);
    const { state, reason } = this.#gate.decide({
      confidence: best?.probability ?? 0,
      row: best?.row ?? null,
      image: hypotheses[0]?.image ?? '',
      second: places[1]?.probability ?? 0,
      offMap: belief.offMap,
      continues:
        best !== undefined &&
        (this.#bestRow === null || geometry.distance(best.row, this.#bestRow) <= geometry.placeRadius + reach),
      empty: frame.places.length === 0,
    });
    this.#bestRow = best?.row ?? null;
    this.#locatedRow = state === 'located' ? this.#bestRow : null;
    const facts = {
      stampNs: observation.stampNs,
      confidence: best?.probability ?? 0,
      reason: reason + remark,
      hypotheses,
    };
    if (state !== 'located') return { state, ...facts };
    const estimate = hypotheses[0]!;
    return { state, ...facts, pose: estimate.pose, covariance: estimate.covariance };
  }

  /** Places of the belief, split by heading. The hypotheses of the most probable place come first. */
  #describe(places: readonly BeliefPlace[], frame: FrameHypotheses): PoseHypothesis[] {
    const matches = new Map(frame.places.flatMap((place) => place.matches.map((match) => [match.row, match] as const)));
    const hypotheses = places.flatMap((place) => this.#split(place, matches));
    return hypotheses.slice(0, this.#options.maxHypotheses).map((hypothesis, rank) => ({ ...hypothesis, rank }));
  }

  #split(place: BeliefPlace, matches: ReadonlyMap<number, FrameMatch>): Omit<PoseHypothesis, 'rank'>[] {
    const weights = new Map(place.rows.map(({ row, weight }) => [row, weight]));
    const tolerance = (this.#options.headingToleranceDeg * Math.PI) / 180;
    const byHeading = splitByHeading(this.#geometry, [...weights.keys()], tolerance);
    return byHeading
      .map((rows) => this.#hypothesis(rows, { weights, matches }))
      .sort((a, b) => b.probability - a.probability || a.place - b.place);
  }

  #hypothesis(
    rows: readonly number[],
    given: { readonly weights: ReadonlyMap<number, number>; readonly matches: ReadonlyMap<number, FrameMatch> },
  ): Omit<PoseHypothesis, 'rank'> {
    const weighted = rows.map((row) => ({ row, weight: given.weights.get(row)! }));
    const match = strongest(rows.flatMap((row) => given.matches.get(row) ?? []));
    const place = this.#geometry.places[match?.row ?? rows[0]!]!;
    const estimate = estimatePose(this.#geometry, weighted, this.#errorM);
    return {
      place: place.id,
      image: place.image,
      similarity: match?.similarity ?? Number.NaN,
      evidence: match?.evidence ?? Number.NaN,
      probability: weighted.reduce((sum, { weight }) => sum + weight, 0),
      pose: estimate?.pose ?? null,
      covariance: estimate?.covariance ?? null,
      geo: this.#datum === null || estimate === null ? place.geo : toGeodetic(this.#datum, estimate.pose),
      databaseStampNs: place.stampNs,
    };
  }

  get #errorM(): number {
    return Math.max(1e-3, this.#calibration.positionErrorSpacings * this.#geometry.spacing);
  }
}

function strongest(matches: readonly FrameMatch[]): FrameMatch | undefined {
  return matches.reduce<FrameMatch | undefined>(
    (best, match) => (best === undefined || match.strength > best.strength ? match : best),
    undefined,
  );
}

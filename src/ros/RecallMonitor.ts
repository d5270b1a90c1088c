/** @file How right the localizer has been lately, against a ground-truth topic: recall, precision, error, calibration. */
import { computeReliability } from '../evaluation/calibrationError.ts';
import { DEFAULT_NS } from '../evaluation/recall.ts';
import { quantile } from '../math/statistics.ts';
import type { Decision } from '../localization/Localizer.ts';
import type { Place } from '../map/Place.ts';

interface Position {
  readonly x: number;
  readonly y: number;
}

/** One frame against its true position. */
interface Judgement {
  /** Rank of the first match that is a true one, from 0; Infinity = none. Null where the map has no place near the truth. */
  readonly rank: number | null;
  /** What the localizer gave its best hypothesis. */
  readonly confidence: number;
  readonly isBestRight: boolean;
  /** Of a pose that was given out; null where none was. */
  readonly accepted: { readonly isRight: boolean; readonly errorM: number } | null;
}

export interface MeasuredRecall {
  /** Frames of the window. */
  readonly queries: number;
  /** With a ground truth and a place of the map within the radius of it. */
  readonly queriesWithTruth: number;
  readonly n: readonly number[];
  /** Empty without a query with truth. */
  readonly recall: readonly number[];
  /** NaN = none judged. */
  readonly acceptedPrecision: number;
  readonly medianPositionErrorM: number;
  readonly calibrationError: number;
}

function distance(a: Position, b: Position): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? NaN : items.filter(holds).length / items.length;
}

/** Over a sliding window of frames: a robot that has driven well all day and is lost now must not look good. */
export class RecallMonitor {
  readonly #positions = new Map<number, Position>();
  /** Oldest first; null for a frame without ground truth. */
  #window: (Judgement | null)[] = [];

  constructor(places: readonly Place[]) {
    for (const place of places) this.addPlace(place);
  }

  addPlace({ id, pose }: Place): void {
    if (pose !== null) this.#positions.set(id, { x: pose.x, y: pose.y });
  }

  /** `matches` are place ids, best first; the newest `frames` frames are kept. */
  judge(
    decision: Decision,
    matches: readonly number[],
    against: { readonly truth: Position | null; readonly radiusM: number; readonly frames: number },
  ): void {
    const { truth, radiusM, frames } = against;
    this.#window.push(truth === null ? null : this.#judge(decision, matches, { truth, radiusM }));
    if (this.#window.length > frames) this.#window.splice(0, this.#window.length - frames);
  }

  read(): MeasuredRecall {
    const judged = this.#window.filter((judgement) => judgement !== null);
    const ranks = judged.flatMap(({ rank }) => (rank === null ? [] : [rank]));
    const accepted = judged.flatMap((judgement) => judgement.accepted ?? []);
    const errorsM = accepted.map(({ errorM }) => errorM);
    const answers = judged.map(({ confidence, isBestRight }) => ({ confidence, isCorrect: isBestRight }));
    return {
      queries: this.#window.length,
      queriesWithTruth: ranks.length,
      n: DEFAULT_NS,
      recall: ranks.length === 0 ? [] : DEFAULT_NS.map((n) => share(ranks, (rank) => rank < n)),
      acceptedPrecision: share(accepted, ({ isRight }) => isRight),
      medianPositionErrorM: errorsM.length === 0 ? NaN : quantile(errorsM, 0.5),
      calibrationError: answers.length === 0 ? NaN : computeReliability(answers).ece,
    };
  }

  reset(): void {
    this.#window = [];
  }

  #judge(
    decision: Decision,
    matches: readonly number[],
    { truth, radiusM }: { readonly truth: Position; readonly radiusM: number },
  ): Judgement {
    const isRight = (position: Position | null | undefined): boolean =>
      position !== null && position !== undefined && distance(position, truth) <= radiusM;
    const first = matches.findIndex((place) => isRight(this.#positions.get(place)));
    const pose = decision.state === 'located' ? decision.pose : null;
    return {
      rank: first >= 0 ? first : this.#hasPlaceNear(isRight) ? Infinity : null,
      confidence: decision.confidence,
      isBestRight: isRight(decision.hypotheses[0]?.pose),
      accepted: pose === null ? null : { isRight: isRight(pose), errorM: distance(pose, truth) },
    };
  }

  #hasPlaceNear(isRight: (position: Position) => boolean): boolean {
    for (const position of this.#positions.values()) if (isRight(position)) return true;
    return false;
  }
}

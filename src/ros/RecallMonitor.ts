/** @file How right the localizer is while it runs, against a ground-truth topic: recall, precision, error, calibration. */
import { computeReliability, type ConfidentAnswer } from '../evaluation/calibrationError.ts';
import { DEFAULT_NS } from '../evaluation/recall.ts';
import type { Decision } from '../localization/Localizer.ts';
import type { Place } from '../map/Place.ts';
import { computeQuantile } from '../evaluation/statistics.ts';

interface Position {
  readonly x: number;
  readonly y: number;
}

/** Errors and confidences are kept for this many frames; counts go on. */
const KEPT = 5000;

export interface MeasuredRecall {
  readonly queries: number;
  /** With a ground truth and a place of the map within the radius of it. */
  readonly queriesWithTruth: number;
  readonly n: readonly number[];
  /** Empty before the first query with truth. */
  readonly recall: readonly number[];
  /** NaN = none judged. */
  readonly acceptedPrecision: number;
  readonly medianPositionErrorM: number;
  readonly calibrationError: number;
}

function distance(a: Position, b: Position): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

export class RecallMonitor {
  readonly #positions = new Map<number, Position>();
  readonly #hits = new Map<number, number>(DEFAULT_NS.map((n) => [n, 0]));
  #queries = 0;
  #withTruth = 0;
  #accepted = 0;
  #acceptedRight = 0;
  #errorsM: number[] = [];
  #answers: ConfidentAnswer[] = [];

  constructor(places: readonly Place[]) {
    for (const place of places) this.addPlace(place);
  }

  addPlace({ id, pose }: Place): void {
    if (pose !== null) this.#positions.set(id, { x: pose.x, y: pose.y });
  }

  /** `matches` are place ids, best first. */
  judge(
    decision: Decision,
    matches: readonly number[],
    against: { readonly truth: Position | null; readonly radiusM: number },
  ): void {
    this.#queries += 1;
    const { truth, radiusM } = against;
    if (truth === null) return;
    const isRight = (position: Position | null | undefined): boolean =>
      position !== null && position !== undefined && distance(position, truth) <= radiusM;
    this.#judgeAnswer(decision, truth, isRight);
    if (![...this.#positions.values()].some(isRight)) return;
    this.#withTruth += 1;
    const rank = matches.findIndex((place) => isRight(this.#positions.get(place)));
    for (const n of DEFAULT_NS) if (rank >= 0 && rank < n) this.#hits.set(n, this.#hits.get(n)! + 1);
  }

  read(): MeasuredRecall {
    return {
      queries: this.#queries,
      queriesWithTruth: this.#withTruth,
      n: DEFAULT_NS,
      recall: this.#withTruth === 0 ? [] : DEFAULT_NS.map((n) => this.#hits.get(n)! / this.#withTruth),
      acceptedPrecision: this.#accepted === 0 ? NaN : this.#acceptedRight / this.#accepted,
      medianPositionErrorM: this.#errorsM.length === 0 ? NaN : computeQuantile(this.#errorsM, 0.5),
      calibrationError: this.#answers.length === 0 ? NaN : computeReliability(this.#answers).ece,
    };
  }

  reset(): void {
    for (const n of DEFAULT_NS) this.#hits.set(n, 0);
    this.#queries = this.#withTruth = this.#accepted = this.#acceptedRight = 0;
    this.#errorsM = [];
    this.#answers = [];
  }

  #judgeAnswer(decision: Decision, truth: Position, isRight: (position: Position | null) => boolean): void {
    const best = decision.hypotheses[0]?.pose ?? null;
    this.#answers.push({ confidence: decision.confidence, isCorrect: isRight(best) });
    if (this.#answers.length > 2 * KEPT) this.#answers = this.#answers.slice(-KEPT);
    if (decision.state !== 'located' || decision.pose === null) return;
    this.#accepted += 1;
    if (isRight(decision.pose)) this.#acceptedRight += 1;
    this.#errorsM.push(distance(decision.pose, truth));
    if (this.#errorsM.length > 2 * KEPT) this.#errorsM = this.#errorsM.slice(-KEPT);
  }
}

/** @file What `netvlad evaluate` finds out: the document of `--json` and report.json (docs/evaluation.md). */
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';
import type { LocalizationState } from '../localization/Localizer.ts';
import type { AcceptancePoint } from './acceptance.ts';
import type { Reliability } from './calibrationError.ts';
import type { ByN } from './recall.ts';
import type { Interval } from './statistics.ts';

/** One retrieved database image of a query. */
export interface ReportedMatch {
  readonly image: string;
  /** Place id; the row of the database in an evaluation of bare descriptors. */
  readonly place: number;
  readonly similarity: number;
  /** Geometric evidence; null = not verified. */
  readonly evidence: number | null;
  readonly isCorrect: boolean;
  /** Between the true positions of query and match; null where one is unknown. */
  readonly distanceM: number | null;
}

export interface ReportedQuery {
  readonly image: string;
  /** Database images that would have been right. */
  readonly truePositions: number;
  /** 1 = the first match is right; null = none of those retrieved. */
  readonly rankOfTruth: number | null;
  readonly x: number | null;
  readonly y: number | null;
  /** Best first. */
  readonly matches: readonly ReportedMatch[];
  /** What the localizer said of this single image; null without one. */
  readonly decision: ReportedDecision | null;
}

export interface ReportedDecision {
  readonly state: LocalizationState;
  readonly confidence: number;
  readonly reason: string;
  /** Of the best hypothesis; null without one, or without positions. */
  readonly x: number | null;
  readonly y: number | null;
  readonly isCorrect: boolean;
  readonly errorM: number | null;
  /** Whether the 95 % ellipse of the hypothesis holds the true position; null where one is unknown. */
  readonly isInsideEllipse95: boolean | null;
}

export interface PositionErrors {
  /** Of the best match (or hypothesis) of every query whose true position is known, metres. */
  readonly median: number;
  readonly p90: number;
}

export interface EvaluationDocument {
  readonly format: 1;
  readonly toolVersion: string;
  readonly model: { readonly name: string; readonly sha256: string } | null;
  readonly map: { readonly path: string; readonly id: string } | null;
  readonly querySource: string;
  readonly criterion: string;
  readonly radiusM: number | null;
  readonly queries: number;
  readonly queriesWithTruth: number;
  readonly database: number;
  /** Query images that could not be used; they are in no number. */
  readonly skipped: readonly DatasetProblem[];
  /** Fractions of the queries that have a true match. */
  readonly recall: ByN;
  /** 95 % bootstrap over the queries. */
  readonly recallInterval95: Readonly<Record<number, Interval>>;
  /** Queries without a true match count as misses. */
  readonly recallAllQueries: ByN;
  /** Recall of a random guess on the same ground truth. */
  readonly chance: ByN;
  readonly meanAveragePrecision: ByN;
  readonly positionErrorM: PositionErrors | null;
  readonly msPerQuery: { readonly total: number; readonly search: number; readonly verify: number };
  /** Largest share of the queries that a threshold accepts at 99 % precision, by what the threshold is on. */
  readonly acceptedAtPrecision99: {
    readonly similarity: number;
    readonly evidence: number | null;
    readonly confidence: number | null;
  };
  readonly acceptanceThresholds: {
    readonly similarity: AcceptancePoint | null;
    readonly evidence: AcceptancePoint | null;
    readonly confidence: AcceptancePoint | null;
  };
  /** At the default gate of the localizer, single images. */
  readonly acceptance: { readonly accepted: number; readonly precision: number } | null;
  readonly calibration: Reliability | null;
  /** Share of the queries in each state; null without a localizer. */
  readonly states: Readonly<Record<LocalizationState, number>> | null;
  /** Share of the accepted poses whose 95 % ellipse holds the true position; null where none can be told. */
  readonly insideEllipse95: number | null;
  /** Queries up to the first accepted one, it included, and the seconds before it (null without stamps); null = never. */
  readonly firstLocated: { readonly queries: number; readonly seconds: number | null } | null;
}

/** All of an evaluation; report.json is the document with `perQuery`. */
export interface EvaluationReport {
  readonly document: EvaluationDocument;
  /** In the order of the source. */
  readonly perQuery: readonly ReportedQuery[];
}

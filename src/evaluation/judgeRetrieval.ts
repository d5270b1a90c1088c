/** @file Rankings and ground truth become the evaluation document. Pure: no file, no clock. */
import { chiSquare2Quantile, mahalanobis2, type Covariance2 } from '../geo/covariance.ts';
import { createRandom } from '../math/random.ts';
import { TOOL_VERSION } from '../version.ts';
import { computeAcceptanceAt, type AcceptancePoint, type JudgedAnswer } from './acceptance.ts';
import { computeReliability } from './calibrationError.ts';
import type {
  EvaluationDocument,
  EvaluationReport,
  PositionErrors,
  ReportedDecision,
  ReportedMatch,
  ReportedQuery,
} from './EvaluationDocument.ts';
import { computeChance, computeFirstHits, computeMap, computeRecall, DEFAULT_NS, type GroundTruth } from './recall.ts';
import { computeBootstrapInterval, type Interval } from './statistics.ts';
import { quantile } from '../math/statistics.ts';
import { describeCriterion, type JudgedImage, type TruthCriterion } from './truthCriterion.ts';

/** Precision at which the accepted share is reported. */
const WANTED_PRECISION = 0.99;
const BOOTSTRAP_SEED = 1;

/** A database row found for a query. */
export interface FoundRow {
  readonly row: number;
  readonly similarity: number;
  /** NaN = not verified. */
  readonly evidence: number;
}

/** What the localizer said of one query. */
export interface SingleDecision extends Omit<
  ReportedDecision,
  'isCorrect' | 'errorM' | 'isInsideEllipse95' | 'x' | 'y'
> {
  /** Null = unknown. */
  readonly stampNs: bigint | null;
  /** Database row of the best hypothesis; null without one. */
  readonly row: number | null;
  /** Position of the best hypothesis in the map frame; null without one. */
  readonly position: { readonly x: number; readonly y: number } | null;
  /** Of that position, m^2; null without one. */
  readonly covariance: Covariance2 | null;
}

/** What was found for one query, best first, and what the localizer made of it. */
export interface FoundQuery {
  readonly found: readonly FoundRow[];
  /** Null without a localizer. */
  readonly decision: SingleDecision | null;
}

export interface RetrievalFacts {
  readonly criterion: TruthCriterion;
  readonly queries: readonly JudgedImage[];
  readonly database: readonly (JudgedImage & { readonly id?: number })[];
  readonly truth: GroundTruth;
  readonly answers: readonly FoundQuery[];
  readonly ns?: readonly number[];
}

/** What the document says beside the judgement. */
export type EvaluationContext = Pick<EvaluationDocument, 'model' | 'map' | 'querySource' | 'skipped' | 'msPerQuery'>;

type Point = { readonly x: number; readonly y: number };

function distanceM(a: Point | null, b: Point | null): number | null {
  return a === null || b === null ? null : Math.hypot(a.x - b.x, a.y - b.y);
}

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

function reportDecision(facts: RetrievalFacts, query: number): ReportedDecision | null {
  const { decision } = facts.answers[query]!;
  if (decision === null) return null;
  const { row, position, covariance, state, confidence, reason } = decision;
  const said = { state, confidence, reason };
  const truth = facts.queries[query]!.pose;
  const errorM = distanceM(position, truth);
  const byRadius = facts.criterion.kind === 'radius' && errorM !== null;
  const isCorrect = byRadius
    ? errorM <= (facts.criterion as { radiusM: number }).radiusM
    : row !== null && facts.truth[query]!.has(row);
  const isInsideEllipse95 = isInside(truth, position, covariance);
  return { ...said, x: position?.x ?? null, y: position?.y ?? null, isCorrect, errorM, isInsideEllipse95 };
}

function isInside(truth: Point | null, position: Point | null, covariance: Covariance2 | null): boolean | null {
  if (truth === null || position === null || covariance === null) return null;
  return mahalanobis2(covariance, truth.x - position.x, truth.y - position.y) <= chiSquare2Quantile(0.95);
}

function reportQuery(facts: RetrievalFacts, query: number): ReportedQuery {
  const { image, pose } = facts.queries[query]!;
  const positives = facts.truth[query]!;
  const matches = facts.answers[query]!.found.map(({ row, similarity, evidence }): ReportedMatch => {
    const match = facts.database[row]!;
    return {
      image: match.image,
      place: match.id ?? row,
      similarity,
      evidence: finiteOrNull(evidence),
      isCorrect: positives.has(row),
      distanceM: distanceM(match.pose, pose),
    };
  });
  const rank = matches.findIndex(({ isCorrect }) => isCorrect);
  return {
    image,
    truePositions: positives.size,
    rankOfTruth: rank < 0 ? null : rank + 1,
    x: pose?.x ?? null,
    y: pose?.y ?? null,
    matches,
    decision: reportDecision(facts, query),
  };
}

/** Of the hypothesis where the localizer gave one, of the best match otherwise. */
function computePositionErrors(perQuery: readonly ReportedQuery[]): PositionErrors | null {
  const errors = perQuery.flatMap(({ decision, matches }) => {
    const errorM = decision?.errorM ?? matches[0]?.distanceM ?? null;
    return errorM === null ? [] : [errorM];
  });
  return errors.length === 0 ? null : { median: quantile(errors, 0.5), p90: quantile(errors, 0.9) };
}

/** The answers of a query set by one strength; null when no answer has it. */
function computeAccepted(
  perQuery: readonly ReportedQuery[],
  strengthOf: (query: ReportedQuery) => number | null,
  isCorrect: (query: ReportedQuery) => boolean,
): { readonly share: number | null; readonly point: AcceptancePoint | null } {
  const answers = perQuery.map((query): JudgedAnswer => {
    return { strength: strengthOf(query) ?? NaN, isCorrect: isCorrect(query) };
  });
  if (answers.every(({ strength }) => Number.isNaN(strength))) return { share: null, point: null };
  const point = computeAcceptanceAt(answers, WANTED_PRECISION);
  return { share: point?.accepted ?? 0, point };
}

/** What the gate let through, and when. */
function judgeStates(
  perQuery: readonly ReportedQuery[],
  answers: readonly FoundQuery[],
): Pick<EvaluationDocument, 'states' | 'insideEllipse95' | 'firstLocated'> {
  const decisions = perQuery.flatMap(({ decision }) => (decision === null ? [] : [decision]));
  if (decisions.length === 0) return { states: null, insideEllipse95: null, firstLocated: null };
  const shareOf = (state: string): number => decisions.filter((each) => each.state === state).length / decisions.length;
  const known = decisions.flatMap(({ state, isInsideEllipse95 }) =>
    state !== 'located' || isInsideEllipse95 === null ? [] : [isInsideEllipse95],
  );
  const first = perQuery.findIndex(({ decision }) => decision?.state === 'located');
  const [startNs, firstNs] = [answers[0]?.decision?.stampNs ?? null, answers[first]?.decision?.stampNs ?? null];
  const seconds = startNs === null || firstNs === null ? null : Number(firstNs - startNs) / 1e9;
  return {
    states: {
      located: shareOf('located'),
      uncertain: shareOf('uncertain'),
      lost: shareOf('lost'),
      off_map: shareOf('off_map'),
    },
    insideEllipse95: known.length === 0 ? null : known.filter(Boolean).length / known.length,
    firstLocated: first < 0 ? null : { queries: first + 1, seconds },
  };
}

/** A query of unknown position is neither right nor wrong. */
function canJudge({ criterion, queries }: RetrievalFacts, query: number): boolean {
  return criterion.kind !== 'radius' || queries[query]!.pose !== null;
}

function judgeAcceptance(
  perQuery: readonly ReportedQuery[],
): Pick<EvaluationDocument, 'acceptedAtPrecision99' | 'acceptanceThresholds' | 'acceptance' | 'calibration'> {
  const topIsCorrect = ({ matches }: ReportedQuery): boolean => matches[0]?.isCorrect ?? false;
  const similarity = computeAccepted(perQuery, ({ matches }) => matches[0]?.similarity ?? null, topIsCorrect);
  const evidence = computeAccepted(perQuery, ({ matches }) => matches[0]?.evidence ?? null, topIsCorrect);
  const confidence = computeAccepted(
    perQuery,
    ({ decision }) => decision?.confidence ?? null,
    ({ decision }) => decision?.isCorrect ?? false,
  );
  const decisions = perQuery.flatMap(({ decision }) => (decision === null ? [] : [decision]));
  const accepted = decisions.filter(({ state }) => state === 'located');
  const right = accepted.filter(({ isCorrect }) => isCorrect).length;
  return {
    acceptedAtPrecision99: {
      similarity: similarity.share ?? 0,
      evidence: evidence.share,
      confidence: confidence.share,
    },
    acceptanceThresholds: { similarity: similarity.point, evidence: evidence.point, confidence: confidence.point },
    acceptance:
      decisions.length === 0
        ? null
        : { accepted: accepted.length / decisions.length, precision: right / accepted.length },
    calibration: decisions.length === 0 ? null : computeReliability(decisions),
  };
}

function computeIntervals(
  facts: RetrievalFacts,
  firstHits: readonly number[],
  ns: readonly number[],
): Record<number, Interval> {
  const random = createRandom(BOOTSTRAP_SEED);
  const judged = firstHits.filter((_, query) => facts.truth[query]!.size > 0);
  const intervalOf = (n: number): Interval =>
    computeBootstrapInterval(
      judged.map((rank) => (rank < n ? 1 : 0)),
      random,
    );
  return Object.fromEntries(ns.map((n) => [n, intervalOf(n)]));
}

/** Same facts, same document: the bootstrap is seeded. */
export function judgeRetrieval(facts: RetrievalFacts, context: EvaluationContext): EvaluationReport {
  const { criterion, truth, database, answers, ns = DEFAULT_NS } = facts;
  const rankings = answers.map(({ found }) => found.map(({ row }) => row));
  const recall = computeRecall(rankings, truth, ns);
  const perQuery = facts.queries.map((_, query) => reportQuery(facts, query));
  const document: EvaluationDocument = {
    format: 1,
    toolVersion: TOOL_VERSION,
    ...context,
    criterion: describeCriterion(criterion),
    radiusM: criterion.kind === 'radius' ? criterion.radiusM : null,
    queries: facts.queries.length,
    queriesWithTruth: truth.filter((rows) => rows.size > 0).length,
    database: database.length,
    recall: recall.withTruth,
    recallInterval95: computeIntervals(facts, computeFirstHits(rankings, truth), ns),
    recallAllQueries: recall.allQueries,
    chance: computeChance(truth, database.length, ns),
    meanAveragePrecision: Object.fromEntries(ns.map((n) => [n, computeMap(rankings, truth, n)])),
    positionErrorM: computePositionErrors(perQuery),
    ...judgeAcceptance(perQuery.filter((_, query) => canJudge(facts, query))),
    ...judgeStates(perQuery, answers),
  };
  return { document, perQuery };
}

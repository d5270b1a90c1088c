/**
 * @file From similarity and evidence to the probability that a match is the same place.
 *
 * logit P(same place) = a + b (w . x), where x are the features below, w the generic weights that ship with the model
 * (fitted on data of other places), and a, b fitted on the map's own leave-one-out retrieval (Platt scaling). Without
 * such a fit, a = 0 and b = 1.
 */
import { z } from 'zod';
import { clamp, sigmoid } from '../math/statistics.ts';

/** What one place of the map looks like to one frame, beside the best match at any other place. */
export interface PlaceEvidence {
  /** Best similarity among the matches of the place. */
  readonly similarity: number;
  /** Best similarity among the matches of all other places; NaN when nothing else was retrieved. */
  readonly otherSimilarity: number;
  /** Best geometric evidence; NaN = not verified. */
  readonly evidence: number;
  readonly otherEvidence: number;
  /** Mean of `logEvidence` over the matches at all other places; NaN when none was verified. */
  readonly otherLogEvidence: number;
}

/** Weights of one linear logit. */
const evidenceWeightsSchema = z.object({
  intercept: z.number(),
  /** Of log evidence above its mean at other places: how much more fits than by chance, in this light. 0 without verification. */
  logEvidenceOverMean: z.number(),
  /** Of log evidence above that of the best other place. 0 without verification. */
  logEvidenceOverBest: z.number(),
  /** Of the similarity above the best other place's. */
  similarityGap: z.number(),
  similarity: z.number(),
});

const logitModelSchema = z.object({
  weights: evidenceWeightsSchema,
  /** a and b of the map's own fit. */
  scaling: z.object({ offset: z.number(), slope: z.number().positive() }),
  /** No probability is said to be nearer to 0 or 1 than the samples can tell. */
  maxProbability: z.number().gt(0.5).lt(1),
});

/** Distances are sqrt(2 - 2 similarity) of unit descriptors. */
const distanceQuantilesSchema = z.object({ count: z.int(), p05: z.number(), p50: z.number(), p95: z.number() });

/** What `map build` and `map calibrate` store in the map's manifest. */
const placeCalibrationSchema = z.object({
  format: z.literal(1),
  /** `leave-one-out` over the map, `queries` with truth, or `default`: nothing was fitted. */
  method: z.enum(['leave-one-out', 'queries', 'default']),
  /** In words, when the map could not be calibrated or only poorly. */
  warning: z.string().nullable(),
  /** Retrievals with a true place on the map, how many of them were right, and retrievals without any. */
  samples: z.object({ retrievals: z.int(), right: z.int(), impostors: z.int() }),
  /** With verification, and without it (evidence NaN). */
  verified: logitModelSchema,
  similarityOnly: logitModelSchema,
  /** recall@N of the map's own retrieval, N -> fraction. */
  expectedRecall: z.record(z.string(), z.number()),
  samePlaceDistance: distanceQuantilesSchema.nullable(),
  otherPlaceDistance: distanceQuantilesSchema.nullable(),
  /** Places without positions that show an earlier one again: id of the later, id of the earlier. Absent = none. */
  revisits: z
    .array(z.tuple([z.int(), z.int()]).readonly())
    .readonly()
    .optional(),
  /** One-sigma position error of a right answer per axis, in units of the map's spacing. */
  positionErrorSpacings: z.number().positive(),
});

export type EvidenceWeights = Readonly<z.infer<typeof evidenceWeightsSchema>>;
export type LogitModel = Readonly<z.infer<typeof logitModelSchema>>;
export type DistanceQuantiles = Readonly<z.infer<typeof distanceQuantilesSchema>>;
export type PlaceCalibration = Readonly<z.infer<typeof placeCalibrationSchema>>;

/** The calibration in a map's manifest; null when there is none or it is of another format (calibrate the map again). */
export function parseCalibration(stored: unknown): PlaceCalibration | null {
  const parsed = placeCalibrationSchema.safeParse(stored);
  return parsed.success ? parsed.data : null;
}

/** Evidence of about this size is noise: it keeps ratios of two small numbers near 1. */
const EVIDENCE_NOISE = 5;

/** NaN stays NaN. */
export function logEvidence(evidence: number): number {
  return Math.log(Math.max(0, evidence) + EVIDENCE_NOISE);
}

/**
 * Generic weights, from places that no test shows: printed by bench/evidenceWeights.ts. The intercept, the mean of the sets' own, is
 * that of maps which were never calibrated and of drives that have no map yet.
 */
export const GENERIC_VERIFIED: EvidenceWeights = {
  intercept: -1.59,
  logEvidenceOverMean: 2.11,
  logEvidenceOverBest: 1.43,
  similarityGap: 3.64,
  similarity: 0,
};

export const GENERIC_SIMILARITY_ONLY: EvidenceWeights = {
  intercept: -2.11,
  logEvidenceOverMean: 0,
  logEvidenceOverBest: 0,
  similarityGap: 5.91,
  similarity: 3.7,
};

const UNSCALED: LogitModel['scaling'] = { offset: 0, slope: 1 };

/** The conservative behaviour of a map that was never calibrated. */
export function defaultCalibration(warning: string | null = 'The map is not calibrated.'): PlaceCalibration {
  return {
    format: 1,
    method: 'default',
    warning,
    samples: { retrievals: 0, right: 0, impostors: 0 },
    verified: { weights: GENERIC_VERIFIED, scaling: UNSCALED, maxProbability: 0.98 },
    similarityOnly: { weights: GENERIC_SIMILARITY_ONLY, scaling: UNSCALED, maxProbability: 0.9 },
    expectedRecall: {},
    samePlaceDistance: null,
    otherPlaceDistance: null,
    positionErrorSpacings: 1,
  };
}

/** Features of a place: log evidence over the mean and over the best elsewhere, similarity gap, similarity. Finite for any input. */
export function toFeatures(place: PlaceEvidence): readonly [number, number, number, number] {
  const similarity = finite(place.similarity, -1);
  const gap = Number.isFinite(place.otherSimilarity) ? similarity - place.otherSimilarity : LONE_MATCH_GAP;
  const own = logEvidence(finite(place.evidence, 0));
  const best = logEvidence(finite(place.otherEvidence, LONE_MATCH_EVIDENCE));
  const mean = finite(place.otherLogEvidence, logEvidence(LONE_MATCH_EVIDENCE));
  return [own - mean, own - best, gap, similarity];
}

/** The linear logit before the map's own scaling. */
export function genericLogit(weights: EvidenceWeights, place: PlaceEvidence): number {
  const [overMean, overBest, gap, similarity] = toFeatures(place);
  const geometric = weights.logEvidenceOverMean * overMean + weights.logEvidenceOverBest * overBest;
  return weights.intercept + geometric + weights.similarityGap * gap + weights.similarity * similarity;
}

/** When every match is one place there is no other to compare with: a small map. Then one as unlike places have is assumed. */
const LONE_MATCH_GAP = 0.1;
const LONE_MATCH_EVIDENCE = 12;

/** Probability that the place is the frame's, were it the best of the frame. */
export function placeProbability(calibration: PlaceCalibration, place: PlaceEvidence): number {
  const model = Number.isNaN(place.evidence) ? calibration.similarityOnly : calibration.verified;
  const { offset, slope } = model.scaling;
  const probability = sigmoid(offset + slope * genericLogit(model.weights, place));
  return clamp(probability, 1 - model.maxProbability, model.maxProbability);
}

/** Orders the matches of a frame: the part of the logit that belongs to one match alone. */
export function matchStrength(calibration: PlaceCalibration, similarity: number, evidence: number): number {
  if (Number.isNaN(evidence)) {
    const { weights } = calibration.similarityOnly;
    return (weights.similarityGap + weights.similarity) * similarity;
  }
  const { weights } = calibration.verified;
  const geometric = (weights.logEvidenceOverMean + weights.logEvidenceOverBest) * logEvidence(evidence);
  return geometric + (weights.similarityGap + weights.similarity) * similarity;
}

function finite(value: number, otherwise: number): number {
  return Number.isFinite(value) ? value : otherwise;
}

/** @file From the numbers of an evaluation to what a report shows; `replay` and `evaluate` share it. */
import { computeAcceptanceCurve, type JudgedAnswer } from '../acceptance.ts';
import type { EvaluationReport, ReportedMatch, ReportedQuery } from '../EvaluationDocument.ts';
import { chooseGallery } from './chooseGallery.ts';
import type {
  AcceptanceChartCurve,
  GalleryItem,
  GalleryMatch,
  HeadlineNumber,
  RecallChart,
  ReportDocument,
} from './ReportDocument.ts';
import { countOf } from '../../countOf.ts';

/** Where the pictures of the gallery come from; null = there is none. */
export interface ReportPictures {
  /** A small picture of query i of the report. */
  query(index: number): Promise<Uint8Array | null>;
  /** The thumbnail of a place. */
  place(id: number): Uint8Array | null;
  /** Verified correspondences of query i and its best match; left out = nothing was verified. */
  inliers?(index: number): Promise<GalleryMatch['inliers']>;
  /** The nearest place that would have been right, for a query whose matches are all wrong. */
  nearestTrue(
    index: number,
  ): { readonly place: number; readonly image: string; readonly distanceM: number | null } | null;
}

/** Failures and successes shown. */
export const GALLERY_SIZE = 6;
const SHOWN_MATCHES = 3;
const NBSP = '\u00a0';

export function formatPercent(fraction: number): string {
  return Number.isNaN(fraction) ? 'unknown' : `${(fraction * 100).toFixed(1)}${NBSP}%`;
}

export function formatMetres(metres: number): string {
  return `${metres.toFixed(metres < 10 ? 2 : 1)}${NBSP}m`;
}

/** The parts of a report that speak of retrieval, acceptance and calibration. */
export async function describeEvaluation(
  report: EvaluationReport,
  pictures: ReportPictures,
): Promise<Pick<ReportDocument, 'headline' | 'recall' | 'acceptance' | 'reliability' | 'failures' | 'successes'>> {
  const { document, perQuery } = report;
  const { failures, successes } = chooseGallery(perQuery, GALLERY_SIZE);
  const toItems = (indices: readonly number[]): Promise<GalleryItem[]> =>
    Promise.all(indices.map((index) => toGalleryItem(perQuery[index]!, index, pictures)));
  return {
    headline: toHeadline(report),
    recall: document.queriesWithTruth === 0 ? null : toRecallChart(report),
    acceptance: toAcceptanceCurves(perQuery),
    reliability: document.calibration,
    failures: await toItems(failures),
    successes: await toItems(successes),
  };
}

function toHeadline({ document }: EvaluationReport): HeadlineNumber[] {
  const { recall, chance, positionErrorM, acceptance, calibration } = document;
  const numbers: HeadlineNumber[] = [];
  const [firstN] = Object.keys(recall).map(Number);
  if (firstN !== undefined && document.queriesWithTruth > 0) {
    const detail = `chance ${formatPercent(chance[firstN]!)}`;
    numbers.push({ label: `recall@${firstN}`, value: formatPercent(recall[firstN]!), detail });
  }
  if (positionErrorM !== null) {
    const detail = `90${NBSP}% below ${formatMetres(positionErrorM.p90)}`;
    numbers.push({ label: 'median position error', value: formatMetres(positionErrorM.median), detail });
  }
  if (acceptance !== null) {
    const detail = acceptance.accepted === 0 ? 'none to judge' : `${formatPercent(acceptance.precision)} of them right`;
    numbers.push({ label: 'located', value: formatPercent(acceptance.accepted), detail });
  }
  if (calibration !== null && Number.isFinite(calibration.ece)) {
    numbers.push({
      label: 'calibration error',
      value: calibration.ece.toFixed(3),
      detail: 'expected, of the confidence',
    });
  }
  return numbers;
}

function toRecallChart({ document }: EvaluationReport): RecallChart {
  const { recall, recallInterval95, chance, queriesWithTruth, criterion } = document;
  const points = Object.keys(recall)
    .map(Number)
    .map((n) => ({ n, recall: recall[n]!, interval95: recallInterval95[n] ?? null, chance: chance[n]! }));
  return { note: `${countOf(queriesWithTruth, 'query', 'queries')} with a true match ${criterion}.`, points };
}

function toAcceptanceCurves(perQuery: readonly ReportedQuery[]): readonly AcceptanceChartCurve[] {
  const topIsCorrect = ({ matches }: ReportedQuery): boolean => matches[0]?.isCorrect ?? false;
  const curveOf = (
    by: string,
    strengthOf: (query: ReportedQuery) => number | null,
    isCorrect: (query: ReportedQuery) => boolean,
  ): AcceptanceChartCurve => {
    const answers = perQuery.map((query): JudgedAnswer => ({
      strength: strengthOf(query) ?? NaN,
      isCorrect: isCorrect(query),
    }));
    return { by, points: computeAcceptanceCurve(answers) };
  };
  const curves = [
    curveOf('similarity', ({ matches }) => matches[0]?.similarity ?? null, topIsCorrect),
    curveOf('geometric evidence', ({ matches }) => matches[0]?.evidence ?? null, topIsCorrect),
    curveOf(
      'confidence',
      ({ decision }) => decision?.confidence ?? null,
      ({ decision }) => decision?.isCorrect ?? false,
    ),
  ];
  return curves.filter(({ points }) => points.length > 0);
}

async function toGalleryItem(query: ReportedQuery, index: number, pictures: ReportPictures): Promise<GalleryItem> {
  const { decision } = query;
  const shown = query.matches.slice(0, SHOWN_MATCHES);
  const inliers = (await pictures.inliers?.(index)) ?? null;
  const nearest = shown.some(({ isCorrect }) => isCorrect) ? null : pictures.nearestTrue(index);
  return {
    query: {
      bytes: await pictures.query(index),
      name: query.image,
      caption: decision === null ? '' : `${decision.state}, ${formatPercent(decision.confidence)}`,
    },
    matches: shown.map((match, rank) => ({
      ...{ bytes: pictures.place(match.place), name: match.image, caption: toCaption(match) },
      ...{ isCorrect: match.isCorrect, inliers: rank === 0 ? inliers : null },
    })),
    nearestTrue: nearest === null ? null : toNearestTrue(nearest, pictures),
  };
}

function toNearestTrue(
  { place, image, distanceM }: NonNullable<ReturnType<ReportPictures['nearestTrue']>>,
  pictures: ReportPictures,
): GalleryItem['nearestTrue'] {
  return { bytes: pictures.place(place), name: image, caption: distanceM === null ? '' : formatMetres(distanceM) };
}

function toCaption({ similarity, evidence, distanceM }: ReportedMatch): string {
  const parts = [`similarity${NBSP}${similarity.toFixed(3)}`];
  if (evidence !== null) parts.push(`evidence${NBSP}${evidence.toFixed(1)}`);
  if (distanceM !== null) parts.push(formatMetres(distanceM));
  return parts.join(' · ');
}

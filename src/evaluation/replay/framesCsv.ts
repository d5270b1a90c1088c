/** @file frames.csv: one line an image of the recording, keyed by its stamp. */
import { formatCsvLine, type CsvCell } from '../../datasets/formatCsv.ts';
import { yawOf } from '../../geo/poseAlgebra.ts';
import type { ReportedQuery } from '../EvaluationDocument.ts';
import { computeErrorM } from './judgeReplay.ts';
import type { ReplayFrame } from './ReplayFrame.ts';

const COLUMNS = [
  ...['stamp_ns', 'frame', 'outcome', 'state', 'confidence', 'x_m', 'y_m', 'yaw_deg', 'sigma_x_m', 'sigma_y_m'],
  ...['place', 'image', 'similarity', 'evidence', 'probability', 'top1_place', 'top1_similarity', 'top1_correct'],
  ...['true_x_m', 'true_y_m', 'error_m', 'reason'],
] as const;
type Row = Partial<Record<(typeof COLUMNS)[number], CsvCell>>;

/** `judged` belongs to the processed frames, in order; null without truth. */
export function formatFramesCsv(frames: readonly ReplayFrame[], judged: readonly ReportedQuery[] | null): string {
  let processed = 0;
  const rows = frames.map((frame) => {
    const query = frame.kind === 'processed' ? judged?.[processed++] : undefined;
    const row = toRow(frame, query);
    return formatCsvLine(COLUMNS.map((column) => row[column]));
  });
  return `${[COLUMNS.join(','), ...rows].join('\n')}\n`;
}

function toRow(frame: ReplayFrame, query: ReportedQuery | undefined): Row {
  const common: Row = {
    ...{ stamp_ns: frame.stampNs, frame: frame.index, outcome: frame.kind },
    ...{ true_x_m: frame.truth?.x, true_y_m: frame.truth?.y },
  };
  if (frame.kind === 'dropped') return common;
  if (frame.kind === 'rejected') return { ...common, reason: `${frame.problem.kind}: ${frame.problem.message}` };
  const { decision, matches } = frame;
  const [best] = decision.hypotheses;
  const pose = best?.pose ?? null;
  const covariance = best?.covariance ?? null;
  return {
    ...common,
    ...{ state: decision.state, confidence: decision.confidence, reason: decision.reason },
    ...{ x_m: pose?.x, y_m: pose?.y, yaw_deg: pose && (yawOf(pose) * 180) / Math.PI },
    sigma_x_m: covariance && Math.sqrt(covariance[0]!),
    sigma_y_m: covariance && Math.sqrt(covariance[7]!),
    ...{ place: best?.place, image: best?.image, similarity: best?.similarity },
    ...{ evidence: best?.evidence, probability: best?.probability },
    ...{ top1_place: matches[0]?.place, top1_similarity: matches[0]?.similarity },
    top1_correct: query && (query.matches[0]?.isCorrect ?? false),
    error_m: computeErrorM(frame),
  };
}

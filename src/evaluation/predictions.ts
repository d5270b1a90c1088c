/** @file Every answer as one line of a CSV file, for other programs. */
import { formatCsvLine } from '../datasets/formatCsv.ts';
import type { ReportedQuery } from './EvaluationDocument.ts';

/** `query,rank,image,similarity`; rank 1 is the best. */
export function toPredictionsCsv(perQuery: readonly ReportedQuery[]): string {
  const lines = perQuery.flatMap(({ image: query, matches }) =>
    matches.map(({ image, similarity }, index) => formatCsvLine([query, index + 1, image, similarity.toFixed(6)])),
  );
  return `${['query,rank,image,similarity', ...lines].join('\n')}\n`;
}

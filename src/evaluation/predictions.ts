/** @file Every answer as one line of a CSV file, for other programs. */
import type { ReportedQuery } from './EvaluationDocument.ts';

function toCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `query,rank,image,similarity`; rank 1 is the best. */
export function toPredictionsCsv(perQuery: readonly ReportedQuery[]): string {
  const lines = perQuery.flatMap(({ image: query, matches }) =>
    matches.map(({ image, similarity }, index) => {
      return [toCell(query), index + 1, toCell(image), similarity.toFixed(6)].join(',');
    }),
  );
  return `${['query,rank,image,similarity', ...lines].join('\n')}\n`;
}

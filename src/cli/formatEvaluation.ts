/** @file `netvlad evaluate` for people. */
import type { EvaluationDocument } from '../evaluation/EvaluationDocument.ts';
import { countOf } from '../countOf.ts';

const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)} %`);

function formatRecall(document: EvaluationDocument): string[] {
  const ns = Object.keys(document.recall).map(Number);
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell) => cell.padStart(16))
      .join('')
      .trimEnd();
  const table = ns.map((n) => {
    const { low, high } = document.recallInterval95[n]!;
    const interval = `${(100 * low).toFixed(1)}..${(100 * high).toFixed(1)}`;
    return row([
      `recall@${n}`,
      ...[percent(document.recall[n]!), interval, percent(document.recallAllQueries[n]!), percent(document.chance[n]!)],
    ]);
  });
  return [row(['', 'with truth', '95 % interval', 'all queries', 'chance']), ...table];
}

function formatAcceptance({ acceptedAtPrecision99, acceptance, calibration }: EvaluationDocument): string[] {
  const { similarity, evidence, confidence } = acceptedAtPrecision99;
  const by = [
    `similarity ${percent(similarity)}`,
    ...(evidence === null ? [] : [`evidence ${percent(evidence)}`]),
    ...(confidence === null ? [] : [`confidence ${percent(confidence)}`]),
  ];
  const lines = [`accepted at 99 % precision: by ${by.join(', by ')}`];
  if (acceptance !== null) {
    const right = acceptance.accepted === 0 ? '' : `, ${percent(acceptance.precision)} of them right`;
    lines.push(`default gate: ${percent(acceptance.accepted)} accepted${right}`);
  }
  if (calibration !== null) lines.push(`calibration error (ECE): ${calibration.ece.toFixed(3)}`);
  return lines;
}

function formatStates({ states, insideEllipse95, firstLocated }: EvaluationDocument): string[] {
  if (states === null) return [];
  const { located, uncertain, lost, off_map: offMap } = states;
  const shares = `located ${percent(located)}, uncertain ${percent(uncertain)}, lost ${percent(lost)}, off_map ${percent(offMap)}`;
  const after = firstLocated?.seconds == null ? '' : `, after ${firstLocated.seconds.toFixed(1)} s`;
  const first = firstLocated === null ? 'never located' : `first located at query ${firstLocated.queries}${after}`;
  const inside =
    insideEllipse95 === null ? [] : [`truth within the 95 % ellipse of accepted poses: ${percent(insideEllipse95)}`];
  return [`states: ${shares}; ${first}`, ...inside];
}

export function formatEvaluation(document: EvaluationDocument): string {
  const { queries, queriesWithTruth, database, positionErrorM, msPerQuery } = document;
  const counts = `${countOf(queries, 'query', 'queries')} (${queriesWithTruth} with a true match) against ${countOf(database, 'image')}, right = ${document.criterion}`;
  const error =
    positionErrorM === null
      ? []
      : [
          `position error: median ${positionErrorM.median.toFixed(1)} m, 90 % within ${positionErrorM.p90.toFixed(1)} m`,
        ];
  const time = `${msPerQuery.total.toFixed(1)} ms a query, of it ${msPerQuery.search.toFixed(2)} ms searching, ${msPerQuery.verify.toFixed(2)} ms verifying`;
  return [
    counts,
    ...formatRecall(document),
    ...error,
    ...formatAcceptance(document),
    ...formatStates(document),
    time,
  ].join('\n');
}

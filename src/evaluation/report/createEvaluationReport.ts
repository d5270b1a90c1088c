/** @file An evaluation as a report document: numbers, where the queries were and were put, pictures, settings. */
import { countLostImages } from '../../datasets/GeotaggedImage.ts';
import type { Place } from '../../map/Place.ts';
import type { EvaluationDocument, EvaluationReport, ReportedQuery } from '../EvaluationDocument.ts';
import { describeEvaluation, formatMetres, formatPercent, type ReportPictures } from './createReportDocument.ts';
import type { FactGroup, Loss, ReportDocument } from './ReportDocument.ts';
import { countOf } from '../../countOf.ts';

const EXAMPLES = 3;

/** `places` are those of the map; none for bare descriptors. */
export async function createEvaluationReport(
  report: EvaluationReport,
  places: readonly Place[],
  pictures: ReportPictures,
): Promise<ReportDocument> {
  const { document, perQuery } = report;
  return {
    ...(await describeEvaluation(report, pictures)),
    title: `Evaluation of ${document.map?.path ?? 'descriptors'}`,
    subtitle: `${countOf(document.queries, 'query', 'queries')} of ${document.querySource} against ${countOf(document.database, 'image')}, right = ${document.criterion}`,
    errors: [],
    trajectory: toTrajectory(perQuery, places),
    timings: [],
    losses: toLosses(document),
    facts: toFacts(document),
  };
}

/** The hypothesis of the localizer where it has one, with the state it gave it. */
function toEstimate({ decision, image }: ReportedQuery): NonNullable<ReportDocument['trajectory']>['estimates'] {
  if (decision?.x == null || decision.y === null) return [];
  const error = decision.errorM === null ? '' : `, ${formatMetres(decision.errorM)} off`;
  const label = `${image} (${formatPercent(decision.confidence)}${error})`;
  return [{ x: decision.x, y: decision.y, state: decision.state, label }];
}

function toTrajectory(perQuery: readonly ReportedQuery[], places: readonly Place[]): ReportDocument['trajectory'] {
  const positioned = places.flatMap(({ pose }) => (pose === null ? [] : [{ x: pose.x, y: pose.y }]));
  if (positioned.length === 0) return null;
  return {
    places: positioned,
    truth: perQuery.flatMap(({ x, y }) => (x === null || y === null ? [] : [{ x, y }])),
    estimates: perQuery.flatMap(toEstimate),
  };
}

function toLosses({ skipped }: EvaluationDocument): readonly Loss[] {
  if (skipped.length === 0) return [];
  const examples = skipped.slice(0, EXAMPLES).map(({ where, problem }) => `${where}: ${problem}`);
  return [
    { reason: 'Queries that could not be used; they are in no number.', count: countLostImages(skipped), examples },
  ];
}

function toFacts(document: EvaluationDocument): readonly FactGroup[] {
  const { model, map, msPerQuery, acceptedAtPrecision99, queriesWithTruth, queries, toolVersion } = document;
  const orNone = (share: number | null): string => (share === null ? 'not measured' : formatPercent(share));
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  return [
    {
      title: 'Queries',
      rows: [
        ['source', document.querySource],
        ['right', document.criterion],
        ['with a true match', `${queriesWithTruth} of ${queries}`],
        ...Object.entries(document.recallAllQueries).map(([n, share]) => {
          return [`recall@${n} of all queries`, formatPercent(share)] as const;
        }),
      ],
    },
    {
      title: 'Accepted at 99 % precision',
      rows: [
        ['by similarity', formatPercent(acceptedAtPrecision99.similarity)],
        ['by geometric evidence', orNone(acceptedAtPrecision99.evidence)],
        ['by confidence', orNone(acceptedAtPrecision99.confidence)],
      ],
    },
    {
      title: 'Map, model and time',
      rows: [
        ...(map === null ? [] : [['map', map.path] as const, ['map id', map.id] as const]),
        ...(model === null ? [] : [['model', model.name] as const, ['model sha256', model.sha256] as const]),
        ['netvlad_localizer', toolVersion],
        ['a query', ms(msPerQuery.total)],
        ['of it searching', ms(msPerQuery.search)],
        ['of it verifying', ms(msPerQuery.verify)],
      ],
    },
  ];
}

/** @file `netvlad evaluate --map`: a map judged by the queries of a source. */
import type { DatasetProblem, GeotaggedImageSource } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import { planarBlock } from '../geo/covariance.ts';
import type { Localizer } from '../localization/Localizer.ts';
import type { PlaceMap } from '../map/PlaceMap.ts';
import type { EvaluationReport } from './EvaluationDocument.ts';
import { judgeRetrieval, type FoundQuery, type SingleDecision } from './judgeRetrieval.ts';
import { DEFAULT_NS, type GroundTruth } from './recall.ts';
import { retrieveQueries, type RetrievalOptions, type RetrievalTools, type RetrievedQuery } from './retrieveQueries.ts';
import { computeTruth, type TruthCriterion } from './truthCriterion.ts';
import { countToRetrieve, keepUnique, type UniqueBy } from './uniqueAnswers.ts';

/** The clock of queries whose source gives no time: one second a frame. */
const NS_PER_FRAME = 1_000_000_000n;

export interface EvaluationTools extends RetrievalTools {
  /** Judges acceptance and calibration; null = retrieval only. */
  readonly localizer: Localizer | null;
}

/** The judgement, and what a report shows beside it. */
export interface MapEvaluation extends EvaluationReport {
  /** In the order of `perQuery`. */
  readonly retrieved: readonly RetrievedQuery[];
  /** Rows of the map that would have been right, for each query. */
  readonly truth: GroundTruth;
}

export interface EvaluationOptions extends Omit<RetrievalOptions, 'k' | 'needsPositions'> {
  readonly criterion: TruthCriterion;
  readonly ns?: readonly number[];
  readonly uniqueBy?: UniqueBy | null;
  /** Queries follow one another in time; otherwise the localizer forgets each before the next. */
  readonly asSequence?: boolean;
}

function assertQueries(source: GeotaggedImageSource, count: number, problems: readonly DatasetProblem[]): void {
  if (count > 0) return;
  const [first] = problems;
  const why = first === undefined ? 'there are no images in it' : `${first.where}: ${first.problem}`;
  throw new NetvladError('bad-input', `${source.description} gives no query: ${why}`, {
    hint: 'Check the path and the selection (--role, --condition).',
  });
}

/** Asks the localizer about each query, in order. */
function decideAll(
  queries: readonly RetrievedQuery[],
  { map, localizer }: EvaluationTools,
  asSequence: boolean,
): readonly (SingleDecision | null)[] {
  if (localizer === null) return queries.map(() => null);
  localizer.reset();
  return queries.map(({ facts, matches }, index) => {
    if (!asSequence) localizer.reset();
    const stampNs = facts.stampNs ?? BigInt(index) * NS_PER_FRAME;
    const { state, confidence, reason, hypotheses } = localizer.process({
      stampNs,
      matches,
      odometry: null,
      fix: null,
    });
    const [best] = hypotheses;
    const row = best === undefined ? null : map.rowOf(best.place);
    const covariance = best?.covariance == null ? null : planarBlock(best.covariance);
    return { state, confidence, reason, row, stampNs: facts.stampNs, position: best?.pose ?? null, covariance };
  });
}

function toAnswer(
  { matches }: RetrievedQuery,
  decision: SingleDecision | null,
  { map, uniqueBy }: { readonly map: PlaceMap; readonly uniqueBy: UniqueBy | null },
): FoundQuery {
  const found = matches.map(({ place, similarity, evidence }) => ({ row: map.rowOf(place), similarity, evidence }));
  return { found: keepUnique(found, map.places, uniqueBy), decision };
}

/** Throws a NetvladError('map') when the model did not make the map, ('bad-input') when nothing can be judged. */
export async function evaluateMap(
  source: GeotaggedImageSource,
  tools: EvaluationTools,
  options: EvaluationOptions,
): Promise<MapEvaluation> {
  const { map, model } = tools;
  const { criterion, ns = DEFAULT_NS, uniqueBy = null, asSequence = false } = options;
  map.assertModel(model.manifest);
  const retrieval = await retrieveQueries(source, tools, {
    ...options,
    k: countToRetrieve(Math.max(...ns), uniqueBy),
    needsPositions: criterion.kind === 'radius',
  });
  const { queries, problems, msPerQuery } = retrieval;
  assertQueries(source, queries.length, problems);
  const images = queries.map(({ facts }) => facts);
  const decisions = decideAll(queries, tools, asSequence);
  const answers = queries.map((query, index) => toAnswer(query, decisions[index] ?? null, { map, uniqueBy }));
  const truth = computeTruth(criterion, images, map.places);
  const report = judgeRetrieval(
    { criterion, queries: images, database: map.places, truth, answers, ns },
    {
      model: { name: model.manifest.name, sha256: model.manifest.onnx.sha256 },
      map: { path: map.path, id: map.manifest.id },
      querySource: source.description,
      skipped: problems,
      msPerQuery,
    },
  );
  return { ...report, retrieved: queries, truth };
}

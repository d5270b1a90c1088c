/**
 * @file How wide a change of viewpoint does each geometric model bridge? On the sets that may be tuned on, never on reported
 * ones: cambridge_west training (`DATA`), and a town made by
 *
 *   netvlad simulate --out TOWN --seed 21 --frames 400 --conditions day,dusk,day --size 320x240
 *   node dist/bench/verification_geometry.js DATA TOWN [streets] [dusk] [day]
 *
 * The first table asks of pairs of views: which share of them has more evidence than 99 % of the wrong candidates that
 * retrieval offers? The second asks of queries: is the answer right? (docs/verification.md)
 */
import type { GeotaggedImage } from '../src/datasets/GeotaggedImage.ts';
import { rankByEvidence } from '../src/verification/rankByEvidence.ts';
import { median } from '../src/math/statistics.ts';
import { GEOMETRIC_MODELS, type GeometricModel } from './support/geometricModels.ts';
import { loadStreetsForTuning, loadTownForTuning, metresApart, type PublicQuestion } from './support/publicSets.ts';
import {
  columns,
  correspond,
  describeAll,
  matcher,
  model,
  percent,
  quantile,
  recallAt,
  retrieveAll,
  type Candidate,
} from './support/verifiedPairs.ts';
import { endWithUsage } from './support/usage.ts';

const [data, town, ...wanted] = process.argv.slice(2);
if (data === undefined || town === undefined) {
  endWithUsage('verification_geometry.js DATA TOWN [streets] [dusk] [day]');
}
const does = (part: string): boolean => wanted.length === 0 || wanted.includes(part);

/** Evidence of one pair under every model. */
type Evidence = readonly number[];

interface View {
  readonly apartM: number;
  readonly turnDeg: number;
  readonly evidence: Evidence;
}

type Judged = Omit<Candidate, 'pairs'> & { readonly apartM: number; readonly evidence: Evidence };

const judge = ({ pairs }: Pick<Candidate, 'pairs'>): Evidence =>
  GEOMETRIC_MODELS.map(({ evidence }) => evidence(pairs, columns));

function turnBetween(a: GeotaggedImage, b: GeotaggedImage): number {
  const turn = a.yawRad! - b.yawRad!;
  return (Math.abs(Math.atan2(Math.sin(turn), Math.cos(turn))) * 180) / Math.PI;
}

const DISTANCES_M = [0, 3, 6, 10, 15, 25] as const;
const TURNS_DEG = [0, 10, 25, 45] as const;

/** All pairs of a query and a database image that are this near and look the same way. */
async function lookAtPairs(
  queries: readonly GeotaggedImage[],
  database: readonly GeotaggedImage[],
): Promise<readonly View[]> {
  const views: View[] = [];
  const asked = await describeAll(queries);
  const described = await describeAll(database);
  for (const query of asked) {
    const near = described.filter(({ image }) => {
      return (
        metresApart(query.image, image) < DISTANCES_M.at(-1)! && turnBetween(query.image, image) < TURNS_DEG.at(-1)!
      );
    });
    if (near.length === 0) continue;
    for (const [at, pairs] of (await correspond(query, near)).entries()) {
      const { image } = near[at]!;
      views.push({
        apartM: metresApart(query.image, image),
        turnDeg: turnBetween(query.image, image),
        evidence: judge({ pairs }),
      });
    }
  }
  return views;
}

const row = (cells: readonly (string | number)[]): void => {
  console.log(`| ${cells.join(' | ')} |`);
};
const names = GEOMETRIC_MODELS.map(({ name }: GeometricModel) => name);
const intervals = (edges: readonly number[]): readonly (readonly [number, number])[] =>
  edges.slice(1).map((to, at) => [edges[at]!, to]);

/** By distance and turn: share above 99 % of the wrong candidates, and median evidence. */
function reportPairs(views: readonly View[], levels: readonly number[]): void {
  row(['metres apart', 'turned by', 'pairs', ...names]);
  row(['99 % of wrong candidates', '', '', ...levels.map((level) => `below ${level.toFixed(0)}`)]);
  for (const [from, to] of intervals(DISTANCES_M)) {
    for (const [turnFrom, turnTo] of intervals(TURNS_DEG)) {
      const inside = views.filter(
        ({ apartM, turnDeg }) => apartM >= from && apartM < to && turnDeg >= turnFrom && turnDeg < turnTo,
      );
      if (inside.length < 15) continue;
      const cells = names.map((_, at) => {
        const evidence = inside.map((view) => view.evidence[at]!);
        const verified = evidence.filter((value) => value > levels[at]!).length / inside.length;
        return `${percent(verified)} (${median(evidence).toFixed(0)})`;
      });
      row([`${from}..${to}`, `${turnFrom}..${turnTo} deg`, inside.length, ...cells]);
    }
  }
}

/** recall@1 by the distance of the nearest true candidate, before verification and under each model. */
function reportAnswers(lists: readonly (readonly Judged[])[]): void {
  row(['nearest true candidate', 'queries', 'not verified', ...names]);
  for (const [from, to] of [...intervals([0, 5, 10, 15, 25]), [0, Infinity] as const]) {
    const inside = lists.filter((list) => {
      const nearest = Math.min(...list.filter(({ isTrue }) => isTrue).map(({ apartM }) => apartM));
      return to === Infinity || (nearest >= from && nearest < to);
    });
    if (inside.length === 0) continue;
    const recalls = names.map((_, at) =>
      recallAt(
        inside.map((list) =>
          rankByEvidence(
            list.map((one) => ({ ...one, evidence: one.evidence[at]! })),
            ({ global }) => global,
          ),
        ),
        1,
      ),
    );
    row([
      to === Infinity ? 'all queries' : `${from}..${to} m`,
      inside.length,
      ...[recallAt(inside, 1), ...recalls].map(percent),
    ]);
  }
}

/** `views` may hold more images than the map that is searched. */
async function study(question: PublicQuestion, views = question.database): Promise<void> {
  console.log(
    `\n${question.name}: ${question.queries.length} queries, ${question.database.length} images, right within ${question.rule}`,
  );
  const lists = (await retrieveAll(question)).map((list, at) =>
    list.map(({ pairs, ...rest }): Judged => {
      return { ...rest, apartM: metresApart(question.queries[at]!, rest.image), evidence: judge({ pairs }) };
    }),
  );
  const wrong = lists.flat().filter(({ isTrue, apartM }) => !isTrue && apartM > 2 * question.radius);
  const levels = names.map((_, at) =>
    quantile(
      wrong.map(({ evidence }) => evidence[at]!),
      0.99,
    ),
  );
  reportPairs(await lookAtPairs(question.queries, views), levels);
  reportAnswers(lists);
}

if (does('streets')) await study(await loadStreetsForTuning(data, 2));
for (const sequence of ['01_dusk', '02_day'].filter((name) => does(name.slice(3)))) {
  const question = await loadTownForTuning(town, sequence);
  await study(question, question.views);
}
await model.dispose();
await matcher.dispose();

/**
 * @file How well do models retrieve on every public set, and is one better than the first of them by more than chance? A
 * Markdown table for the model card: recall@1 and @5 with 95 % intervals (bootstrap over the queries), and p against the first
 * model: McNemar's exact test. Models joined by commas are seeds of one recipe, whose recalls are averaged query by query; then p
 * is that of a randomisation test (under equality a query's difference is as likely as its opposite). The night copies of
 * cambridge_west are drawn five times and averaged too.
 *
 *   node dist/bench/default_model.js DATA START.onnx[,SEED2.onnx,...] MODEL.onnx[,SEED2.onnx,...] ...
 */
import { computeBootstrapInterval, compareHits } from '../src/evaluation/statistics.ts';
import type { RgbImage } from '../src/image/RgbImage.ts';
import type { DescriptorModel } from '../src/inference/DescriptorModel.ts';
import { loadModel } from '../src/inference/loadModel.ts';
import { createRandom } from '../src/math/random.ts';
import { mean } from '../src/math/statistics.ts';
import { computeHits, type Hits, rankDatabase } from '../src/training/validate.ts';
import { toNight } from '../src/training/photometric.ts';
import { describeInOrder } from './support/describeInOrder.ts';
import { loadPublicQuestions, type PublicQuestion } from './support/publicSets.ts';
import { endWithUsage } from './support/usage.ts';

const [data, ...recipes] = process.argv.slice(2);
if (data === undefined || recipes.length === 0) {
  endWithUsage('default_model.js DATA START.onnx[,SEED2.onnx,...] MODEL.onnx[,SEED2.onnx,...] ...');
}

const NIGHT_DRAWS = 5;
const RANDOMISATIONS = 100_000;

/** Share of right answers for each query, over seeds and night draws. */
interface Shares {
  readonly at1: readonly number[];
  readonly at5: readonly number[];
}

function average(all: readonly Hits[]): Shares {
  const shares = (lists: readonly (readonly boolean[])[]): number[] =>
    lists[0]!.map((_, query) => mean(lists.map((hits) => Number(hits[query]!))));
  return { at1: shares(all.map(({ at1 }) => at1)), at5: shares(all.map(({ at5 }) => at5)) };
}

async function answer(question: PublicQuestion, model: DescriptorModel, isNight: boolean): Promise<readonly Hits[]> {
  const { dimension } = model.manifest.descriptor;
  const database = await describeInOrder(question.database, model);
  const truth = question.queries.map(
    (query) => new Set(question.database.flatMap((other, row) => (question.isTrue(query, other) ? [row] : []))),
  );
  const ask = async (change?: (image: RgbImage) => RgbImage): Promise<Hits> => {
    const queries = await describeInOrder(question.queries, model, change);
    return computeHits(rankDatabase(queries, database, dimension), { truth });
  };
  if (!isNight) return [await ask()];
  const drawn: Hits[] = [];
  for (let draw = 1; draw <= NIGHT_DRAWS; draw++) {
    const random = createRandom(draw).fork('night copies');
    drawn.push(await ask((image) => toNight(image, random)));
  }
  return drawn;
}

/** Two-sided: how often do differences of random sign have a mean at least as far from zero? */
function randomisationTest(differences: readonly number[]): number {
  const random = createRandom(1);
  const reached = Math.abs(mean(differences)) - 1e-12;
  let count = 0;
  for (let round = 0; round < RANDOMISATIONS; round++) {
    const flipped = differences.map((difference) => (random.next() < 0.5 ? difference : -difference));
    if (Math.abs(mean(flipped)) >= reached) count++;
  }
  return (count + 1) / (RANDOMISATIONS + 1);
}

const percent = (share: number): string => (100 * share).toFixed(1);

function describeAgainst(values: readonly number[], start: readonly number[]): string {
  if (values === start) return '';
  if ([...values, ...start].every((value) => value === 0 || value === 1)) {
    const { onlyFirst, onlySecond, p } = compareHits(start.map(Boolean), values.map(Boolean));
    return `; -${onlyFirst} +${onlySecond}, p ${p.toPrecision(2)}`;
  }
  const differences = values.map((value, query) => value - start[query]!);
  const gain = mean(differences);
  return `; ${gain < 0 ? '' : '+'}${percent(gain)}, p ${randomisationTest(differences).toPrecision(2)}`;
}

function describeShares(values: readonly number[], start: readonly number[]): string {
  const { low, high } = computeBootstrapInterval(values, createRandom(1));
  return `${percent(mean(values))} (${percent(low)}–${percent(high)}${describeAgainst(values, start)})`;
}

const models = await Promise.all(recipes.map((paths) => Promise.all(paths.split(',').map((path) => loadModel(path)))));
const questions = (await loadPublicQuestions(data)).flatMap((question) =>
  question.name.startsWith('cambridge')
    ? [
        { ...question, isNight: false },
        { ...question, name: `${question.name}, queries turned into night`, isNight: true },
      ]
    : [{ ...question, isNight: false }],
);
console.log('| set, what counts as right | queries | model | R@1, % | R@5, % |\n|---|---|---|---|---|');
for (const { isNight, ...question } of questions) {
  let start: Shares | undefined;
  for (const seeds of models) {
    const hits: Hits[] = [];
    for (const model of seeds) hits.push(...(await answer(question, model, isNight)));
    const shares = average(hits);
    start ??= shares;
    const name = seeds[0]!.manifest.name + (seeds.length > 1 ? `, ${seeds.length} seeds` : '');
    console.log(
      `| ${question.name}, ${question.rule} | ${shares.at1.length} | ${name} | ${describeShares(shares.at1, start.at1)} | ${describeShares(shares.at5, start.at5)} |`,
    );
  }
}

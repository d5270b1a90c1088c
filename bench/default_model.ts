/**
 * @file How well do models retrieve on every public set, and is one better than the first of them by more than chance? A
 * Markdown table for the model card: recall@1 and @5 with 95 % intervals (bootstrap over the queries), McNemar's exact p
 * against the first model.
 *
 *   node dist/bench/default_model.js DATA START.onnx MODEL.onnx ...
 */
import { computeBootstrapInterval, compareHits } from '../src/evaluation/statistics.ts';
import type { DescriptorModel } from '../src/inference/DescriptorModel.ts';
import { loadModel } from '../src/inference/loadModel.ts';
import { createRandom } from '../src/math/random.ts';
import { computeHits, type Hits, rankDatabase } from '../src/training/validate.ts';
import { toNight } from '../src/training/photometric.ts';
import { describeInOrder } from './support/describeInOrder.ts';
import { loadPublicQuestions, type PublicQuestion } from './support/publicSets.ts';
import { endWithUsage } from './support/usage.ts';

const [data, ...paths] = process.argv.slice(2);
if (data === undefined || paths.length === 0) {
  endWithUsage('default_model.js DATA START.onnx MODEL.onnx ...');
}

async function answer(question: PublicQuestion, model: DescriptorModel, isNight: boolean): Promise<Hits> {
  const { dimension } = model.manifest.descriptor;
  const random = createRandom(1).fork('night copies');
  const database = await describeInOrder(question.database, model);
  const queries = await (isNight
    ? describeInOrder(question.queries, model, (image) => toNight(image, random))
    : describeInOrder(question.queries, model));
  const rankings = rankDatabase(queries, database, dimension);
  const truth = question.queries.map(
    (query) => new Set(question.database.flatMap((other, row) => (question.isTrue(query, other) ? [row] : []))),
  );
  return computeHits(rankings, { truth });
}

const percent = (share: number): string => (100 * share).toFixed(1);

function describeHits(hits: readonly boolean[], start: readonly boolean[]): string {
  const values = hits.map(Number);
  const { low, high } = computeBootstrapInterval(values, createRandom(1));
  const { onlyFirst, onlySecond, p } = compareHits(start, hits);
  const recall = percent(values.reduce((sum, value) => sum + value, 0) / values.length);
  const against = hits === start ? '' : `; -${onlyFirst} +${onlySecond}, p ${p.toPrecision(2)}`;
  return `${recall} (${percent(low)}–${percent(high)}${against})`;
}

const models = await Promise.all(paths.map((path) => loadModel(path)));
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
  let start: Hits | undefined;
  for (const model of models) {
    const hits = await answer(question, model, isNight);
    start ??= hits;
    console.log(
      `| ${question.name}, ${question.rule} | ${hits.at1.length} | ${model.manifest.name} | ${describeHits(hits.at1, start.at1)} | ${describeHits(hits.at5, start.at5)} |`,
    );
  }
}

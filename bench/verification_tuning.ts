/**
 * @file How much do the settings of verification matter? recall@1 on the sets that may be tuned on, never on reported ones:
 * cambridge_west training, pepper_office, and the town of bench/verification_geometry.ts.
 *
 *   MODEL=models/netvlad_mobilenetv2_k10_960_free.onnx node dist/bench/verification_tuning.js DATA TOWN [NIGHT_TOWN ...]
 *
 * With the model that learned from none of them: the whitening of the default model knows these very streets and offices, so
 * that its similarities deserve more weight there than they do elsewhere. Night towns are mapped densely by day and asked about
 * at night: there two forms of rank and evidence are told apart that are alike elsewhere (docs/verification.md).
 */
import { basename } from 'node:path';
import type { GeotaggedImage } from '../src/datasets/GeotaggedImage.ts';
import { mean } from '../src/math/statistics.ts';
import { dot } from '../src/math/vectors.ts';
import { findConsensus, type ConsensusOptions } from '../src/verification/findConsensus.ts';
import { rankByEvidence, RANK_WEIGHTS, type RankWeights } from '../src/verification/rankByEvidence.ts';
import { DEFAULT_CONSENSUS_OPTIONS } from '../src/verification/SpatialVerifier.ts';
import {
  createQuestion,
  loadStreetsForTuning,
  loadTownForTuning,
  metresApart,
  readSet,
  type PublicQuestion,
} from './support/publicSets.ts';
import { columns, matcher, model, percent, recallAt, retrieveAll, type Candidate } from './support/verifiedPairs.ts';
import { endWithUsage } from './support/usage.ts';

const [data, town, ...nightTowns] = process.argv.slice(2);
if (data === undefined || town === undefined) {
  endWithUsage('verification_tuning.js DATA TOWN [NIGHT_TOWN ...]');
}

interface Settings {
  readonly name: string;
  readonly consensus: ConsensusOptions;
  readonly weights: RankWeights;
}

const settings = (name: string, change: Partial<ConsensusOptions & RankWeights> = {}): Settings => {
  const { scales, toleranceCells } = { ...DEFAULT_CONSENSUS_OPTIONS, ...change };
  const { similarity, commonness } = { ...RANK_WEIGHTS, ...change };
  return { name, consensus: { scales, toleranceCells }, weights: { similarity, commonness } };
};

/** Scales 1, step, 1/step, ... */
function scalesOf(step: number, levels: number): number[] {
  return [1, ...Array.from({ length: levels }, (_, level) => [step ** (level + 1), step ** -(level + 1)]).flat()];
}

const AS_IT_IS = settings('as it is');

const ALTERNATIVES: readonly Settings[] = [
  AS_IT_IS,
  ...[0, 8, 12, 20, 24, 32].map((similarity) => settings(`weight of similarity ${similarity}`, { similarity })),
  ...[0, 0.25, 0.75, 1].map((commonness) => settings(`commonness ${commonness}`, { commonness })),
  settings('commonness 0, weight of similarity 12', { commonness: 0, similarity: 12 }),
  ...[1, 1.3, 2, 2.5].map((toleranceCells) => settings(`tolerance ${toleranceCells} cells`, { toleranceCells })),
  ...[0, 1, 3].map((levels) => settings(`${2 * levels + 1} scales`, { scales: scalesOf(1.2, levels) })),
];

type Verified = Candidate & { readonly evidence: number };

function verify(candidates: readonly Candidate[], consensus: ConsensusOptions): readonly Verified[] {
  const both = { query: columns, candidate: columns };
  return candidates.map((candidate) => {
    return { ...candidate, evidence: findConsensus(candidate.pairs, both, consensus).evidence };
  });
}

function rank(candidates: readonly Candidate[], { consensus, weights }: Settings): readonly Candidate[] {
  return rankByEvidence(verify(candidates, consensus), ({ global }) => global, weights);
}

/** What candidates have in common is taken off whole, however little the query resembles them. */
function rankInFull(candidates: readonly Candidate[]): readonly Candidate[] {
  const verified = verify(candidates, DEFAULT_CONSENSUS_OPTIONS);
  const distinct = verified.map((candidate) => {
    const others = verified.filter((other) => other !== candidate);
    const common = mean(others.map(({ global }) => dot(candidate.global, global)));
    return { ...candidate, similarity: candidate.similarity - RANK_WEIGHTS.commonness * common };
  });
  const weights = { ...RANK_WEIGHTS, commonness: 0 };
  return rankByEvidence(distinct, ({ global }) => global, weights);
}

/** Only what exceeds a similarity of 0.5 counts, as much as before for an image against itself. */
function rankAboveHalf(candidates: readonly Candidate[]): readonly Candidate[] {
  const above = candidates.map((candidate) => {
    const pairs = candidate.pairs.filter(({ similarity }) => similarity > 0.5);
    return { ...candidate, pairs: pairs.map((pair) => ({ ...pair, similarity: 2 * pair.similarity - 1 })) };
  });
  return rank(above, AS_IT_IS);
}

/** Every fourth image of a walk is the map; queries lie between. */
async function loadWalks(set: string): Promise<PublicQuestion> {
  const images = [...(await readSet(data!, set))].sort((a, b) => a.frame! - b.frame!);
  const counts = new Map<string, number>();
  const order = new Map<string, number>();
  for (const { name, place } of images) {
    const at = counts.get(place!) ?? 0;
    counts.set(place!, at + 1);
    order.set(name, at);
  }
  const stepOf = ({ name }: GeotaggedImage): number => order.get(name)!;
  return createQuestion({
    name: set,
    rule: '4 frames of a walk',
    database: images.filter((image) => stepOf(image) % 4 === 0),
    queries: images.filter((image) => stepOf(image) % 4 === 2),
    apart: (a, b) => (a.place === b.place ? Math.abs(stepOf(a) - stepOf(b)) : Infinity),
    radius: 4,
  });
}

/** Every image by day is the map, its images a metre apart: candidates resemble each other more than a query by night any. */
async function loadDenseTown(folder: string, condition: string): Promise<PublicQuestion> {
  const images = await readSet(folder, '.');
  return createQuestion({
    name: `${basename(folder)}, ${condition}`,
    rule: '5 m',
    database: images.filter(({ role }) => role === 'database'),
    queries: images.filter((image) => image.condition === condition && image.frame! % 2 === 0),
    apart: metresApart,
    radius: 5,
  });
}

type Lists = readonly (readonly Candidate[])[];

async function retrieveEach(questions: readonly PublicQuestion[]): Promise<readonly Lists[]> {
  const retrieved: Lists[] = [];
  for (const question of questions) retrieved.push(await retrieveAll(question));
  return retrieved;
}

function printHead(questions: readonly PublicQuestion[]): void {
  console.log(`| setting | ${questions.map(({ name, queries }) => `${name} (${queries.length})`).join(' | ')} |`);
}

function printRow(
  name: string,
  sets: readonly Lists[],
  order: (candidates: readonly Candidate[]) => readonly Candidate[],
): void {
  console.log(`| ${[name, ...sets.map((lists) => percent(recallAt(lists.map(order), 1)))].join(' | ')} |`);
}

const questions = [
  await loadStreetsForTuning(data),
  await loadWalks('pepper_office'),
  await loadTownForTuning(town, '01_dusk'),
  await loadTownForTuning(town, '02_day'),
];
const retrieved = await retrieveEach(questions);
printHead(questions);
printRow('no verification', retrieved, (candidates) => candidates);
for (const alternative of ALTERNATIVES) {
  printRow(alternative.name, retrieved, (candidates) => rank(candidates, alternative));
}

const byNight: PublicQuestion[] = [];
for (const folder of nightTowns) {
  for (const condition of ['night', 'night_rain']) byNight.push(await loadDenseTown(folder, condition));
}
if (byNight.length > 0) {
  const asked = await retrieveEach(byNight);
  console.log();
  printHead(byNight);
  printRow('no verification', asked, (candidates) => candidates);
  printRow(AS_IT_IS.name, asked, (candidates) => rank(candidates, AS_IT_IS));
  printRow('commonness 0', asked, (candidates) => rank(candidates, settings('commonness 0', { commonness: 0 })));
  printRow('commonness in full', asked, rankInFull);
  printRow('similarity above 0.5', asked, rankAboveHalf);
}
await model.dispose();
await matcher.dispose();

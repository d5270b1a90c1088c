/**
 * @file How much do the settings of verification matter? recall@1 on the sets that may be tuned on, never on reported ones:
 * cambridge_west training, pepper_office, and the town of bench/verification_geometry.ts.
 *
 *   MODEL=models/netvlad_mobilenetv2_k10_960_free.onnx node dist/bench/verification_tuning.js DATA TOWN
 *
 * With the model that learned from none of them: the whitening of the default model knows these very streets and offices, so
 * that its similarities deserve more weight there than they do elsewhere.
 */
import type { GeotaggedImage } from '../src/datasets/GeotaggedImage.ts';
import { findConsensus, type ConsensusOptions } from '../src/verification/findConsensus.ts';
import { rankByEvidence, RANK_WEIGHTS, type RankWeights } from '../src/verification/rankByEvidence.ts';
import { DEFAULT_CONSENSUS_OPTIONS } from '../src/verification/SpatialVerifier.ts';
import {
  createQuestion,
  loadStreetsForTuning,
  loadTownForTuning,
  readSet,
  type PublicQuestion,
} from './support/publicSets.ts';
import { columns, matcher, model, percent, recallAt, retrieveAll, type Candidate } from './support/verifiedPairs.ts';
import { endWithUsage } from './support/usage.ts';

const [data, town] = process.argv.slice(2);
if (data === undefined || town === undefined) {
  endWithUsage('verification_tuning.js DATA TOWN');
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

const ALTERNATIVES: readonly Settings[] = [
  settings('as it is'),
  ...[0, 8, 12, 20, 24, 32].map((similarity) => settings(`weight of similarity ${similarity}`, { similarity })),
  ...[0, 0.25, 0.75, 1].map((commonness) => settings(`commonness ${commonness}`, { commonness })),
  settings('commonness 0, weight of similarity 12', { commonness: 0, similarity: 12 }),
  ...[1, 1.3, 2, 2.5].map((toleranceCells) => settings(`tolerance ${toleranceCells} cells`, { toleranceCells })),
  ...[0, 1, 3].map((levels) => settings(`${2 * levels + 1} scales`, { scales: scalesOf(1.2, levels) })),
];

function rank(candidates: readonly Candidate[], { consensus, weights }: Settings): readonly Candidate[] {
  const both = { query: columns, candidate: columns };
  const verified = candidates.map((candidate) => {
    return { ...candidate, evidence: findConsensus(candidate.pairs, both, consensus).evidence };
  });
  return rankByEvidence(verified, ({ global }) => global, weights);
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

const questions = [
  await loadStreetsForTuning(data),
  await loadWalks('pepper_office'),
  await loadTownForTuning(town, '01_dusk'),
  await loadTownForTuning(town, '02_day'),
];
const retrieved: (readonly (readonly Candidate[])[])[] = [];
for (const question of questions) retrieved.push(await retrieveAll(question));

const row = (name: string, lists: readonly (readonly (readonly Candidate[])[])[]): void => {
  console.log(`| ${[name, ...lists.map((list) => percent(recallAt(list, 1)))].join(' | ')} |`);
};
console.log(`| setting | ${questions.map(({ name, queries }) => `${name} (${queries.length})`).join(' | ')} |`);
row('no verification', retrieved);
for (const alternative of ALTERNATIVES) {
  row(
    alternative.name,
    retrieved.map((lists) => lists.map((candidates) => rank(candidates, alternative))),
  );
}
await model.dispose();
await matcher.dispose();

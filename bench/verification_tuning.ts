/**
 * @file How much do the settings of verification matter? recall@1 on the sets that may be tuned on, never on reported ones:
 * cambridge_west training and pepper_office.
 *
 *   node dist/bench/verification_tuning.js DATA
 */
import type { GeotaggedImage } from '../src/datasets/GeotaggedImage.ts';
import { findConsensus, type ConsensusOptions } from '../src/verification/findConsensus.ts';
import { rankByEvidence, SIMILARITY_WEIGHT } from '../src/verification/rankByEvidence.ts';
import { DEFAULT_CONSENSUS_OPTIONS } from '../src/verification/SpatialVerifier.ts';
import { createQuestion, loadStreetsForTuning, readSet, type PublicQuestion } from './publicSets.ts';
import { columns, matcher, model, percent, recallAt, retrieveAll, type Candidate } from './verifiedPairs.ts';

const [data] = process.argv.slice(2);
if (data === undefined) throw new Error('usage: node dist/bench/verification_tuning.js DATA');

interface Settings {
  readonly name: string;
  readonly consensus: ConsensusOptions;
  readonly weight: number;
}

const settings = (name: string, consensus: Partial<ConsensusOptions> = {}, weight = SIMILARITY_WEIGHT): Settings => ({
  name,
  consensus: { ...DEFAULT_CONSENSUS_OPTIONS, ...consensus },
  weight,
});

/** Scales 1, step, 1/step, ... */
function scalesOf(step: number, levels: number): number[] {
  return [1, ...Array.from({ length: levels }, (_, level) => [step ** (level + 1), step ** -(level + 1)]).flat()];
}

const ALTERNATIVES: readonly Settings[] = [
  settings('as it is'),
  ...[0, 4, 8, 16, 24].map((weight) => settings(`weight of similarity ${weight}`, {}, weight)),
  ...[1, 1.3, 2, 2.5].map((toleranceCells) => settings(`tolerance ${toleranceCells} cells`, { toleranceCells })),
  ...[0, 1, 3].map((levels) => settings(`${2 * levels + 1} scales`, { scales: scalesOf(1.2, levels) })),
];

function rank(candidates: readonly Candidate[], { consensus, weight }: Settings): readonly { isTrue: boolean }[] {
  const both = { query: columns, candidate: columns };
  const verified = candidates.map(({ pairs, similarity, isTrue }) => {
    return { similarity, isTrue, evidence: findConsensus(pairs, both, consensus).evidence };
  });
  return rankByEvidence(verified, weight);
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

const questions = [await loadStreetsForTuning(data), await loadWalks('pepper_office')];
const retrieved: (readonly (readonly Candidate[])[])[] = [];
for (const question of questions) retrieved.push(await retrieveAll(question));

const row = (name: string, lists: readonly (readonly (readonly { isTrue: boolean }[])[])[]): void => {
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

/**
 * @file What does spatial verification bring on real photographs, does it stay silent off the map, and what does it cost?
 * `node dist/bench/verification.js DATA [report|tune]`: DATA holds the public sets (gardens_point, corridor_fisheye, ...).
 * `tune` runs the sets on which the settings were chosen and prints a table of alternatives (docs/verification.md).
 */
import { join } from 'node:path';
import { openCsvSource } from '../src/datasets/CsvSource.ts';
import type { GeotaggedImage } from '../src/datasets/GeotaggedImage.ts';
import { computeAcceptanceAt, type JudgedAnswer } from '../src/evaluation/acceptance.ts';
import { findDefaultModel, loadModel } from '../src/inference/loadModel.ts';
import { OnnxGridMatcher } from '../src/inference/OnnxGridMatcher.ts';
import { describeImages } from '../src/map/describeImages.ts';
import { ExactIndex } from '../src/retrieval/ExactIndex.ts';
import { findConsensus, type ConsensusOptions } from '../src/verification/findConsensus.ts';
import { quantizeGrid, type LocalGrid } from '../src/verification/LocalGrid.ts';
import { matchGrids, selectMutual, type Correspondence } from '../src/verification/matchGrids.ts';
import { rankByEvidence, SIMILARITY_WEIGHT } from '../src/verification/rankByEvidence.ts';
import { DEFAULT_CONSENSUS_OPTIONS } from '../src/verification/SpatialVerifier.ts';

const K = 20;
const PRECISION = 0.99;

interface Described {
  readonly image: GeotaggedImage;
  readonly global: Float32Array;
  readonly local: LocalGrid;
}

interface Question {
  readonly name: string;
  readonly set: string;
  readonly database: readonly Described[];
  readonly queries: readonly Described[];
  readonly isTrue: (query: GeotaggedImage, candidate: GeotaggedImage) => boolean;
}

/** A retrieved candidate with all that evidence is made of. */
interface Candidate {
  readonly similarity: number;
  readonly isTrue: boolean;
  /** Metres between the cameras; NaN without positions. */
  readonly apartM: number;
  readonly pairs: readonly Correspondence[];
}

const data = process.argv[2];
const mode = process.argv[3] ?? 'report';
if (data === undefined) throw new Error('usage: node dist/bench/verification.js DATA [report|tune]');
const model = await loadModel(findDefaultModel());
const matcher = await OnnxGridMatcher.create();
const described = new Map<string, Promise<readonly Described[]>>();

async function describeSet(set: string): Promise<readonly Described[]> {
  const images: Described[] = [];
  for await (const batch of describeImages(await openCsvSource(join(data!, set, 'index.csv')), model, {
    local: true,
  })) {
    const { dimension, global, local } = batch.descriptors;
    for (const [row, { image }] of batch.images.entries()) {
      const vector = global.slice(row * dimension, (row + 1) * dimension);
      images.push({ image, global: vector, local: quantizeGrid(local!, row) });
    }
  }
  return images;
}

function loadSet(set: string): Promise<readonly Described[]> {
  const known = described.get(set) ?? describeSet(set);
  described.set(set, known);
  return known;
}

async function select(set: string, accept: (image: GeotaggedImage) => boolean): Promise<readonly Described[]> {
  return (await loadSet(set)).filter(({ image }) => accept(image));
}

const framesApart = (a: GeotaggedImage, b: GeotaggedImage): number => Math.abs(a.frame! - b.frame!);
/** NaN where one of them has no position. */
const metresApart = (a: GeotaggedImage, b: GeotaggedImage): number =>
  a.local === null || b.local === null ? NaN : Math.hypot(a.local.x - b.local.x, a.local.y - b.local.y);

async function selectSplit(split: string): Promise<readonly Described[]> {
  const names = new Set<string>();
  for await (const item of await openCsvSource(join(data!, 'cambridge_west', 'index.csv'), { role: split })) {
    if ('name' in item) names.add(item.name);
  }
  return select('cambridge_west', ({ name }) => names.has(name));
}

async function loadReported(): Promise<readonly Question[]> {
  const gardens = await select('gardens_point', ({ condition }) => condition === 'day_right');
  const gardensQueries = (wanted: string): Promise<readonly Described[]> =>
    select('gardens_point', ({ condition }) => condition === wanted);
  const near5 = (a: GeotaggedImage, b: GeotaggedImage): boolean => framesApart(a, b) <= 5;
  return [
    {
      name: 'gardens night_right',
      set: 'gardens_point',
      database: gardens,
      queries: await gardensQueries('night_right'),
      isTrue: near5,
    },
    {
      name: 'gardens day_left',
      set: 'gardens_point',
      database: gardens,
      queries: await gardensQueries('day_left'),
      isTrue: near5,
    },
    {
      name: 'corridor_fisheye',
      set: 'corridor_fisheye',
      database: await select('corridor_fisheye', ({ role }) => role === 'database'),
      queries: await select('corridor_fisheye', ({ role }) => role === 'query'),
      isTrue: (a, b) => framesApart(a, b) <= 2,
    },
    {
      name: 'cambridge_west validation',
      set: 'cambridge_west',
      database: await selectSplit('validation_database'),
      queries: await selectSplit('validation_query'),
      isTrue: (a, b) => metresApart(a, b) <= 25,
    },
    {
      name: 'rtabmap_hallway',
      set: 'rtabmap_hallway',
      database: await select('rtabmap_hallway', ({ condition }) => condition === 'lap1'),
      queries: await select('rtabmap_hallway', ({ frame }) => frame! >= 43 && frame! <= 74),
      isTrue: (a, b) => Math.abs(a.frame! - 39 - b.frame!) <= 2,
    },
    {
      name: 'nakamura_campus_robot',
      set: 'nakamura_campus_robot',
      database: await select('nakamura_campus_robot', ({ role }) => role === 'database'),
      queries: await select('nakamura_campus_robot', ({ role }) => role === 'query'),
      isTrue: (a, b) => metresApart(a, b) <= 6,
    },
  ];
}

/** Every fourth image of a walk is the map; queries lie between. */
async function loadWalks(set: string, every: number): Promise<Question> {
  const order = new Map<string, number>();
  const counts = new Map<string, number>();
  const images = await loadSet(set);
  for (const { image } of [...images].sort((a, b) => a.image.frame! - b.image.frame!)) {
    const at = counts.get(image.place!) ?? 0;
    counts.set(image.place!, at + 1);
    order.set(image.name, at);
  }
  const rank = ({ name }: GeotaggedImage): number => order.get(name)!;
  return {
    name: set,
    set,
    database: images.filter(({ image }) => rank(image) % 4 === 0),
    queries: images.filter(({ image }) => rank(image) % 4 === 2).filter((_, at) => at % every === 0),
    isTrue: (a, b) => a.place === b.place && Math.abs(rank(a) - rank(b)) <= 4,
  };
}

async function loadTuning(): Promise<readonly Question[]> {
  const queries = await selectSplit('train_query');
  return [
    {
      name: 'cambridge_west training',
      set: 'cambridge_west',
      database: await selectSplit('train_database'),
      queries: queries.filter((_, at) => at % 2 === 0),
      isTrue: (a, b) => metresApart(a, b) <= 25,
    },
    await loadWalks('pepper_office', 1),
  ];
}

async function retrieve({ database, queries, isTrue }: Question): Promise<readonly (readonly Candidate[])[]> {
  const index = new ExactIndex(model.manifest.descriptor.dimension);
  for (const [row, { global }] of database.entries()) await index.add([row], global);
  const results: Candidate[][] = [];
  for (const query of queries) {
    const matches = await index.search(query.global, K);
    const nearest = await matcher.match(
      query.local,
      matches.map(({ place }) => database[place]!.local),
    );
    results.push(
      matches.map(({ place, similarity }, rank) => ({
        similarity,
        isTrue: isTrue(query.image, database[place]!.image),
        apartM: metresApart(query.image, database[place]!.image),
        pairs: selectMutual(nearest[rank]!),
      })),
    );
  }
  return results;
}

interface Settings {
  readonly consensus: ConsensusOptions;
  readonly weight: number;
}

const DEFAULTS: Settings = { consensus: DEFAULT_CONSENSUS_OPTIONS, weight: SIMILARITY_WEIGHT };

function evidenceOf(pairs: readonly Correspondence[], columns: number, consensus: ConsensusOptions): number {
  return findConsensus(pairs, { query: columns, candidate: columns }, consensus).evidence;
}

type Ranked = readonly {
  readonly similarity: number;
  readonly evidence: number;
  readonly isTrue: boolean;
  readonly apartM: number;
}[];

function rank(candidates: readonly Candidate[], { consensus, weight }: Settings): Ranked {
  const columns = model.manifest.local!.columns;
  return rankByEvidence(
    candidates.map(({ pairs, ...rest }) => ({ ...rest, evidence: evidenceOf(pairs, columns, consensus) })),
    weight,
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const recallAt = (ranked: readonly (readonly { readonly isTrue: boolean }[])[], n: number): number =>
  ranked.filter((candidates) => candidates.slice(0, n).some(({ isTrue }) => isTrue)).length / ranked.length;

function accept(answers: readonly JudgedAnswer[]): { readonly share: number; readonly level: number } {
  const point = computeAcceptanceAt(answers, PRECISION);
  return { share: point?.accepted ?? 0, level: point?.threshold ?? Infinity };
}

/** Prints one set; its first answers and their evidence. */
function report(
  name: string,
  retrieved: readonly (readonly Candidate[])[],
  settings = DEFAULTS,
): readonly JudgedAnswer[] {
  const ranked = retrieved.map((candidates) => rank(candidates, settings));
  const bySimilarity = accept(retrieved.map(([best]) => ({ strength: best!.similarity, isCorrect: best!.isTrue })));
  const answers = ranked.map(([best]) => ({ strength: best!.evidence, isCorrect: best!.isTrue }));
  const byEvidence = accept(answers);
  const recalls = [retrieved, ranked].map((lists) => `${percent(recallAt(lists, 1))} / ${percent(recallAt(lists, 5))}`);
  console.log(
    `${name.padEnd(28)} ${String(retrieved.length).padStart(4)} queries  recall@1 / 5 ${recalls.join('  ->  ')}   accepted: similarity ${percent(bySimilarity.share)}, evidence ${percent(byEvidence.share)} (from ${byEvidence.level.toFixed(1)} on)`,
  );
  return answers;
}

/** What a map makes of its own queries, and of strangers from all the other sets. */
async function reportStrangers(
  questions: readonly Question[],
  answers: ReadonlyMap<string, readonly JudgedAnswer[]>,
): Promise<void> {
  console.log('\noff the map: evidence of the best of 20 candidates for queries of the other sets');
  for (const map of questions) {
    const own = answers.get(map.name)!;
    const level = accept(own).level;
    const strangers: number[] = [];
    for (const other of questions) {
      if (other.set === map.set) continue;
      const sample = other.queries.filter((_, at) => at % Math.max(1, Math.floor(other.queries.length / 100)) === 0);
      const retrieved = await retrieve({ ...map, queries: sample, isTrue: () => false });
      const best = retrieved.map((list) => Math.max(...rank(list, DEFAULTS).map(({ evidence }) => evidence)));
      const below = best.filter((evidence) => evidence < level).length / best.length;
      strangers.push(...best);
      console.log(
        `${map.name.padEnd(28)} <- ${other.name.padEnd(28)} ${percent(below)} below the level accepted at 99 % precision`,
      );
    }
    strangers.sort((a, b) => a - b);
    const quantile = strangers[Math.floor(0.99 * strangers.length)]!;
    const kept = own.filter(({ strength, isCorrect }) => isCorrect && strength >= quantile).length / own.length;
    console.log(
      `${map.name.padEnd(28)} ${strangers.length} strangers: median ${median(strangers).toFixed(1)}, 99 % below ${quantile.toFixed(1)}, above which ${percent(kept)} of its own queries are right and accepted\n`,
    );
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

/** 20 real candidates a query; matching and consensus apart. */
async function reportCost({ database, queries }: Question): Promise<void> {
  const times = { quantise: [] as number[], match: [] as number[], consensus: [] as number[] };
  const columns = model.manifest.local!.columns;
  const candidates = database.slice(0, K).map(({ local }) => local);
  let processor = process.cpuUsage();
  for (let round = 0; round < 120; round++) {
    const { local } = queries[round % queries.length]!;
    const floats = Float32Array.from(local.vectors, (value) => value / 127);
    const start = performance.now();
    const query = quantizeGrid({ ...local, data: floats });
    const quantised = performance.now();
    const nearest = await matcher.match(query, candidates);
    const matched = performance.now();
    for (const pair of nearest) evidenceOf(selectMutual(pair), columns, DEFAULT_CONSENSUS_OPTIONS);
    const done = performance.now();
    if (round === 20) processor = process.cpuUsage();
    if (round < 20) continue;
    times.quantise.push(quantised - start);
    times.match.push(matched - quantised);
    times.consensus.push(done - matched);
  }
  const { user, system } = process.cpuUsage(processor);
  const [quantise, match, consensus] = [median(times.quantise), median(times.match), median(times.consensus)];
  const total = quantise + match + consensus;
  const share = (ms: number): string => `${ms.toFixed(2)} ms (${percent(ms / total)})`;
  console.log(
    `cost of ${K} candidates, median of ${times.match.length}: ${total.toFixed(1)} ms = quantising ${share(quantise)}, matching ${share(match)}, consensus ${share(consensus)}; ${((user + system) / 1000 / times.match.length).toFixed(1)} ms of processor time`,
  );
  const start = performance.now();
  for (const candidate of candidates) matchGrids(queries[0]!.local, candidate);
  const plain = performance.now() - start;
  console.log(`matching by plain loops: ${plain.toFixed(0)} ms, ${(plain / match).toFixed(0)} times as long`);
}

/** How far apart may two cameras be for geometry to help? By the distance of the nearest true candidate. */
function reportViewpoints(retrieved: readonly (readonly Candidate[])[]): void {
  for (const [from, to] of [
    [0, 5],
    [5, 10],
    [10, 15],
    [15, 25],
  ] as const) {
    const lists = retrieved.filter((candidates) => {
      const nearest = Math.min(...candidates.filter(({ isTrue }) => isTrue).map(({ apartM }) => apartM));
      return nearest >= from && nearest < to;
    });
    const ranked = lists.map((candidates) => rank(candidates, DEFAULTS));
    const best = (wanted: boolean): number =>
      median(
        ranked.map((list) =>
          Math.max(0, ...list.filter(({ isTrue }) => isTrue === wanted).map(({ evidence }) => evidence)),
        ),
      );
    console.log(
      `nearest true candidate ${from}..${to} m away: ${lists.length} queries, recall@1 ${percent(recallAt(lists, 1))} -> ${percent(recallAt(ranked, 1))}, median evidence of the best true candidate ${best(true).toFixed(0)}, of the best wrong one ${best(false).toFixed(0)}`,
    );
  }
}

/** Scales 1, step, 1/step, ... */
function scalesOf(step: number, levels: number): number[] {
  return [1, ...Array.from({ length: levels }, (_, level) => [step ** (level + 1), step ** -(level + 1)]).flat()];
}

if (mode === 'tune') {
  const alternatives: Settings[] = [
    ...[0, 4, 8, 12, 16, 24].map((weight) => ({ ...DEFAULTS, weight })),
    ...[1, 1.3, 2, 2.5].map((toleranceCells) => ({
      ...DEFAULTS,
      consensus: { ...DEFAULT_CONSENSUS_OPTIONS, toleranceCells },
    })),
    ...(
      [
        [1.2, 0],
        [1.2, 1],
        [1.2, 3],
        [1.1, 3],
      ] as const
    ).map(([step, levels]) => ({
      ...DEFAULTS,
      consensus: { ...DEFAULT_CONSENSUS_OPTIONS, scales: scalesOf(step, levels) },
    })),
  ];
  for (const question of await loadTuning()) {
    const retrieved = await retrieve(question);
    if (question.set === 'cambridge_west') reportViewpoints(retrieved);
    for (const settings of alternatives) {
      const { scales, toleranceCells } = settings.consensus;
      const shown = scales.map((scale) => scale.toFixed(2)).join(' ');
      console.log(`weight ${settings.weight}, tolerance ${toleranceCells}, scales ${shown}`);
      report(question.name, retrieved, settings);
    }
  }
} else {
  const questions = await loadReported();
  const answers = new Map<string, readonly JudgedAnswer[]>();
  for (const question of questions) answers.set(question.name, report(question.name, await retrieve(question)));
  await reportStrangers(questions, answers);
  await reportCost(questions[0]!);
}
await model.dispose();
await matcher.dispose();

/**
 * @file What does spatial verification bring on real photographs, does it stay silent off the map, and what does it cost?
 * `node dist/bench/verification.js DATA [PART ...]`: DATA holds the public sets (gardens_point, corridor_fisheye, ...);
 * parts are `recall`, `strangers` and `cost`, all unless named (docs/verification.md).
 */
import { computeAcceptanceAt, type JudgedAnswer } from '../src/evaluation/acceptance.ts';
import { median } from '../src/math/statistics.ts';
import { findConsensus } from '../src/verification/findConsensus.ts';
import { quantizeGrid } from '../src/verification/LocalGrid.ts';
import { matchGrids, selectMutual, type Correspondence } from '../src/verification/matchGrids.ts';
import { rankByEvidence } from '../src/verification/rankByEvidence.ts';
import { DEFAULT_CONSENSUS_OPTIONS } from '../src/verification/SpatialVerifier.ts';
import { loadPublicQuestions, type PublicQuestion } from './support/publicSets.ts';
import {
  columns,
  describeAll,
  K,
  matcher,
  model,
  percent,
  quantile,
  recallAt,
  retrieveAll,
  SearchedDatabase,
  type Candidate,
  type Described,
} from './support/verifiedPairs.ts';
import { endWithUsage } from './support/usage.ts';

const PRECISION = 0.99;
/** Queries of another set that are asked of a map. */
const STRANGERS = 100;

const [data, ...wanted] = process.argv.slice(2);
if (data === undefined) endWithUsage('verification.js DATA [recall] [strangers] [cost]');
const does = (part: string): boolean => wanted.length === 0 || wanted.includes(part);

type Verified = Omit<Candidate, 'pairs'> & { readonly evidence: number };

function evidenceOf(pairs: readonly Correspondence[]): number {
  return findConsensus(pairs, { query: columns, candidate: columns }, DEFAULT_CONSENSUS_OPTIONS).evidence;
}

/** Candidates with their evidence, ranked by it. */
function verify(candidates: readonly Candidate[]): readonly Verified[] {
  const verified = candidates.map(({ pairs, ...rest }) => ({ ...rest, evidence: evidenceOf(pairs) }));
  return rankByEvidence(verified, ({ global }) => global);
}

/** The first answers and their evidence. */
const answersOf = (lists: readonly (readonly Verified[])[]): readonly JudgedAnswer[] =>
  lists.map(([best]) => ({ strength: best!.evidence, isCorrect: best!.isTrue }));

function accept(answers: readonly JudgedAnswer[]): { readonly share: number; readonly level: number } {
  const point = computeAcceptanceAt(answers, PRECISION);
  return { share: point?.accepted ?? 0, level: point?.threshold ?? Infinity };
}

async function reportRecall(question: PublicQuestion): Promise<void> {
  const retrieved = await retrieveAll(question);
  const ranked = retrieved.map(verify);
  const bySimilarity = accept(retrieved.map(([best]) => ({ strength: best!.similarity, isCorrect: best!.isTrue })));
  const byEvidence = accept(answersOf(ranked));
  const [before, after] = [retrieved, ranked].map(
    (lists) => `${percent(recallAt(lists, 1))} / ${percent(recallAt(lists, 5))}`,
  );
  console.log(
    `| ${question.name} (${question.rule}) | ${retrieved.length} | ${before} | ${after} | ${percent(bySimilarity.share)} | ${percent(byEvidence.share)} |`,
  );
}

/** Which set an image belongs to: queries of the same set are no strangers. */
const setOf = ({ name }: PublicQuestion): string => name.split(' ')[0]!;

/** Evidence of the best of the candidates, whichever is ranked first. */
const highest = (candidates: readonly Verified[]): number => Math.max(0, ...candidates.map(({ evidence }) => evidence));

/**
 * The same queries where their place is not on the map: without all candidates up to twice as far away as counts as the
 * place. Whatever is found is wrong, and it is the most alike that a wrong place can be.
 */
async function removePlaces(question: PublicQuestion): Promise<readonly JudgedAnswer[]> {
  const database = await SearchedDatabase.of(question.database);
  const answers: JudgedAnswer[] = [];
  for (const query of await describeAll(question.queries)) {
    const far = (candidate: Described['image']): boolean =>
      question.apart(query.image, candidate) > 2 * question.radius;
    const found = await database.retrieve(query, () => false, far);
    answers.push({ strength: highest(verify(found)), isCorrect: false });
  }
  return answers;
}

/** Best evidence of each stranger, by the set it comes from. */
async function askStrangers(
  map: PublicQuestion,
  questions: readonly PublicQuestion[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const database = await SearchedDatabase.of(map.database);
  const found = new Map<string, readonly number[]>();
  for (const other of questions) {
    if (setOf(other) === setOf(map)) continue;
    const step = Math.max(1, Math.floor(other.queries.length / STRANGERS));
    const evidence: number[] = [];
    for (const query of await describeAll(other.queries.filter((_, at) => at % step === 0))) {
      evidence.push(highest(verify(await database.retrieve(query, () => false))));
    }
    found.set(other.name, evidence);
  }
  return found;
}

/** What each map makes of its own queries, of the same without their places, and of strangers from all the other sets. */
async function reportAllStrangers(questions: readonly PublicQuestion[]): Promise<void> {
  const answers: (readonly JudgedAnswer[])[] = [];
  for (const question of questions) answers.push(answersOf((await retrieveAll(question)).map(verify)));
  const common = accept(answers.flat()).level;
  for (const [at, map] of questions.entries()) {
    const own = answers[at]!;
    const levels = {
      'of all maps together': common,
      'on the map alone': accept(own).level,
      'on and off the map': accept([...own, ...(await removePlaces(map))]).level,
    };
    await reportStrangers({ map, own, levels }, questions);
  }
}

interface JudgedMap {
  readonly map: PublicQuestion;
  readonly own: readonly JudgedAnswer[];
  /** Evidence from which answers are right at the wanted precision, by the answers that it was learnt from. */
  readonly levels: Readonly<Record<string, number>>;
}

async function reportStrangers({ map, own, levels }: JudgedMap, questions: readonly PublicQuestion[]): Promise<void> {
  const strangers = await askStrangers(map, questions);
  const all = [...strangers.values()].flat();
  const keptAbove = (level: number): string =>
    percent(own.filter(({ strength, isCorrect }) => isCorrect && strength >= level).length / own.length);
  const mark = quantile(all, PRECISION);
  console.log(
    `\n${map.name}: ${all.length} strangers, median ${median(all).toFixed(1)}, 99 % below ${mark.toFixed(1)}, highest ${Math.max(...all).toFixed(1)}; right and above that mark: ${keptAbove(mark)} of its own queries`,
  );
  for (const [name, level] of Object.entries(levels)) {
    const below = [...strangers].map(([other, evidence]) => {
      return { other, share: evidence.filter((value) => value < level).length / evidence.length };
    });
    const worst = below.reduce((a, b) => (b.share < a.share ? b : a));
    console.log(
      `  99 % precision ${name}: from ${level.toFixed(1)} on, right and accepted ${keptAbove(level)}; strangers below it: all ${percent(all.filter((value) => value < level).length / all.length)}, fewest of ${worst.other} ${percent(worst.share)}`,
    );
  }
}

/** 20 real candidates a query; matching and consensus apart. */
async function reportCost({ database, queries }: PublicQuestion): Promise<void> {
  const times = { quantise: [] as number[], match: [] as number[], consensus: [] as number[] };
  const asked = await describeAll(queries);
  const candidates = (await describeAll(database.slice(0, K))).map(({ local }) => local);
  let processor = process.cpuUsage();
  for (let round = 0; round < 120; round++) {
    const { local } = asked[round % asked.length]!;
    const floats = Float32Array.from(local.vectors, (value) => value / 127);
    const start = performance.now();
    const query = quantizeGrid({ ...local, data: floats });
    const quantised = performance.now();
    const nearest = await matcher.match(query, candidates);
    const matched = performance.now();
    for (const pair of nearest) evidenceOf(selectMutual(pair));
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
    `\ncost of ${K} candidates, median of ${times.match.length}: ${total.toFixed(1)} ms = quantising ${share(quantise)}, matching ${share(match)}, consensus ${share(consensus)}; ${((user + system) / 1000 / times.match.length).toFixed(1)} ms of processor time`,
  );
  const start = performance.now();
  for (const candidate of candidates) matchGrids(asked[0]!.local, candidate);
  const plain = performance.now() - start;
  console.log(`matching by plain loops: ${plain.toFixed(0)} ms, ${(plain / match).toFixed(0)} times as long`);
}

const questions = await loadPublicQuestions(data);
if (does('recall')) {
  console.log('| set | queries | recall@1 / 5 before | after | accepted by similarity | by evidence |');
  for (const question of questions) await reportRecall(question);
}
if (does('strangers')) await reportAllStrangers(questions);
if (does('cost')) await reportCost(questions[0]!);
await model.dispose();
await matcher.dispose();

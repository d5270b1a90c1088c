/** @file `netvlad evaluate --descriptors-database`: the same numbers from anybody's descriptors. */
import { NetvladError } from '../errors.ts';
import type { NumberArray } from '../math/npy.ts';
import { l2NormalizeRows } from '../math/vectors.ts';
import { ExactIndex } from '../retrieval/ExactIndex.ts';
import type { EvaluationReport } from './EvaluationDocument.ts';
import { judgeRetrieval, type FoundQuery } from './judgeRetrieval.ts';
import { DEFAULT_NS } from './recall.ts';
import { computeTruth, type JudgedImage, type TruthCriterion } from './truthCriterion.ts';
import { countToRetrieve, keepUnique, type UniqueBy } from './uniqueAnswers.ts';
import { countOf } from '../countOf.ts';

export interface DescriptorSet {
  /** For messages: the file. */
  readonly path: string;
  /** [n, D]; need not be normalised. */
  readonly descriptors: NumberArray;
  /** [n, 2] metres; null when the ground truth does not ask for positions. */
  readonly positions: NumberArray | null;
}

export interface DescriptorEvaluationOptions {
  readonly criterion: TruthCriterion;
  readonly ns?: readonly number[];
  readonly uniqueBy?: UniqueBy | null;
  readonly signal?: AbortSignal;
}

/** Unit rows as float32. Throws when the array is no [n, D]. */
function toUnitRows({ path, descriptors }: DescriptorSet): { rows: Float32Array; count: number; dimension: number } {
  const [count, dimension] = descriptors.shape;
  if (descriptors.shape.length !== 2 || count === undefined || dimension === undefined || count * dimension === 0) {
    throw new NetvladError(
      'bad-input',
      `${path} has the shape [${descriptors.shape.join(', ')}]; expected [images, D].`,
    );
  }
  return { rows: l2NormalizeRows(Float32Array.from(descriptors.data), dimension), count, dimension };
}

/** The images of a set know their row (name and frame) and, where given, their position. */
function toImages({ path, descriptors, positions }: DescriptorSet): readonly JudgedImage[] {
  const count = descriptors.shape[0]!;
  if (positions !== null && (positions.shape[0] !== count || positions.shape[1] !== 2)) {
    const shape = `[${positions.shape.join(', ')}]`;
    throw new NetvladError(
      'bad-input',
      `${path} has ${countOf(count, 'row')}, but the positions have the shape ${shape}.`,
      {
        hint: `Expected [${count}, 2]: east and north in metres of each image, in the order of the descriptors.`,
      },
    );
  }
  return Array.from({ length: count }, (_, row) => ({
    image: String(row),
    sequence: null,
    frame: row,
    label: null,
    pose: positions === null ? null : { x: positions.data[2 * row]!, y: positions.data[2 * row + 1]! },
  }));
}

/** Exact search; row numbers stand for image names and frame numbers. */
export async function evaluateDescriptors(
  database: DescriptorSet,
  queries: DescriptorSet,
  options: DescriptorEvaluationOptions,
): Promise<EvaluationReport> {
  const { criterion, ns = DEFAULT_NS, uniqueBy = null, signal } = options;
  const [known, asked] = [toUnitRows(database), toUnitRows(queries)];
  if (known.dimension !== asked.dimension) {
    const sizes = `${known.dimension} numbers in ${database.path}, ${asked.dimension} in ${queries.path}`;
    throw new NetvladError('bad-input', `The descriptors differ in length: ${sizes}.`);
  }
  const images = { database: toImages(database), queries: toImages(queries) };
  const index = new ExactIndex(known.dimension);
  await index.add(
    Array.from({ length: known.count }, (_, row) => row),
    known.rows,
  );
  const k = countToRetrieve(Math.max(...ns), uniqueBy);
  const started = performance.now();
  const answers: FoundQuery[] = [];
  for (let row = 0; row < asked.count; row++) {
    signal?.throwIfAborted();
    const query = asked.rows.subarray(row * asked.dimension, (row + 1) * asked.dimension);
    const matches = await index.search(query, k);
    const found = matches.map(({ place, similarity }) => ({ row: place, similarity, evidence: NaN }));
    answers.push({ found: keepUnique(found, images.database, uniqueBy), decision: null });
  }
  const search = (performance.now() - started) / asked.count;
  const truth = computeTruth(criterion, images.queries, images.database);
  return judgeRetrieval(
    { criterion, ...images, truth, answers, ns },
    {
      model: null,
      map: null,
      querySource: queries.path,
      skipped: [],
      msPerQuery: { total: search, search, verify: 0 },
    },
  );
}

/** @file What benchmarks of verification have in common: described images, retrieved candidates, their correspondences. */
import type { GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import { findDefaultModel, loadModel } from '../../src/inference/loadModel.ts';
import { OnnxGridMatcher } from '../../src/inference/OnnxGridMatcher.ts';
import { describeImages } from '../../src/map/describeImages.ts';
import { ExactIndex } from '../../src/retrieval/ExactIndex.ts';
import { quantizeGrid, type LocalGrid } from '../../src/verification/LocalGrid.ts';
import { selectMutual, type Correspondence } from '../../src/verification/matchGrids.ts';
import type { PublicQuestion } from './publicSets.ts';

/** Candidates that are verified. */
export const K = 20;

export interface Described {
  readonly image: GeotaggedImage;
  readonly global: Float32Array;
  readonly local: LocalGrid;
}

/** A candidate with all that evidence is made of. */
export interface Candidate {
  readonly image: GeotaggedImage;
  readonly similarity: number;
  /** Of the candidate, [D]. */
  readonly global: Float32Array;
  readonly isTrue: boolean;
  readonly pairs: readonly Correspondence[];
}

/** `MODEL=path.onnx node dist/bench/...` asks another model than the default. */
export const model = await loadModel(process.env.MODEL ?? findDefaultModel());
export const matcher = await OnnxGridMatcher.create();
/** Grid columns of the model's local features; all images have the same. */
export const { columns } = model.manifest.local!;

const known = new Map<string, Described>();
const keyOf = ({ name, content }: GeotaggedImage): string => (content.kind === 'file' ? content.path : name);

/** In the order of the images; each file is described once, whichever sets it belongs to. */
export async function describeAll(images: readonly GeotaggedImage[]): Promise<readonly Described[]> {
  const unknown = images.filter((image) => !known.has(keyOf(image)));
  for await (const { images: batch, descriptors } of describeImages(unknown, model, { local: true })) {
    const { dimension, global, local } = descriptors;
    for (const [row, { image }] of batch.entries()) {
      const vector = global.slice(row * dimension, (row + 1) * dimension);
      known.set(keyOf(image), { image, global: vector, local: quantizeGrid(local!, row) });
    }
  }
  return images.map((image) => ({ ...known.get(keyOf(image))!, image }));
}

/** The correspondences of a query with each of some images. */
export async function correspond(
  query: Described,
  others: readonly Described[],
): Promise<readonly (readonly Correspondence[])[]> {
  const nearest = await matcher.match(
    query.local,
    others.map(({ local }) => local),
  );
  return nearest.map(selectMutual);
}

/** The images of a database, ready to be searched. */
export class SearchedDatabase {
  readonly #images: readonly Described[];
  readonly #index = new ExactIndex(model.manifest.descriptor.dimension);

  private constructor(images: readonly Described[]) {
    this.#images = images;
  }

  static async of(images: readonly GeotaggedImage[]): Promise<SearchedDatabase> {
    const database = new SearchedDatabase(await describeAll(images));
    for (const [row, { global }] of database.#images.entries()) await database.#index.add([row], global);
    return database;
  }

  /** The best K, best first, of those that `accept` does not leave out. */
  async retrieve(
    query: Described,
    isTrue: PublicQuestion['isTrue'],
    accept: (candidate: GeotaggedImage) => boolean = () => true,
  ): Promise<readonly Candidate[]> {
    const matches = await this.#index.search(query.global, K, (row) => accept(this.#images[row]!.image));
    const found = matches.map(({ place }) => this.#images[place]!);
    const pairs = await correspond(query, found);
    return matches.map(({ similarity }, rank) => {
      const { image, global } = found[rank]!;
      return { image, similarity, global, isTrue: isTrue(query.image, image), pairs: pairs[rank]! };
    });
  }
}

/** One list of candidates a query. */
export async function retrieveAll(question: PublicQuestion): Promise<readonly (readonly Candidate[])[]> {
  const database = await SearchedDatabase.of(question.database);
  const lists: (readonly Candidate[])[] = [];
  for (const query of await describeAll(question.queries)) lists.push(await database.retrieve(query, question.isTrue));
  return lists;
}

/** The value below which this share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export const recallAt = (lists: readonly (readonly { readonly isTrue: boolean }[])[], n: number): number =>
  lists.filter((candidates) => candidates.slice(0, n).some(({ isTrue }) => isTrue)).length / lists.length;

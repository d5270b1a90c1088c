/** @file Describes the queries of a source and looks each up in the map. */
import type { DatasetProblem, GeotaggedImage, GeotaggedImageSource } from '../datasets/GeotaggedImage.ts';
import type { DescriptorModel, LocalFeatures } from '../inference/DescriptorModel.ts';
import type { CandidateMatch } from '../localization/Localizer.ts';
import { describeImages, type DescribedBatch } from '../map/describeImages.ts';
import type { Place } from '../map/Place.ts';
import type { PlaceMap } from '../map/PlaceMap.ts';
import { PlaceSurveyor } from '../map/PlaceSurveyor.ts';
import { silentProgress, type Progress } from '../Progress.ts';
import type { CandidateVerifier } from '../recognition/LocalRecognizer.ts';
import type { VectorIndex } from '../retrieval/VectorIndex.ts';

export interface RetrievalTools {
  readonly map: PlaceMap;
  readonly model: DescriptorModel;
  readonly index: VectorIndex;
  /** Null = no verification: evidence is NaN. */
  readonly verifier: CandidateVerifier | null;
}

export interface RetrievalOptions {
  /** Matches a query. */
  readonly k: number;
  readonly batch?: number;
  /** Positions are part of the ground truth: a query whose position does not fit the map's frame is left out. */
  readonly needsPositions: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface RetrievedQuery {
  /** What the source says of the image, its pose in the map frame. */
  readonly facts: Omit<Place, 'id'>;
  /** Where the picture can be read again; null for records of a recording, which are not kept. */
  readonly path: string | null;
  /** Best first. */
  readonly matches: readonly CandidateMatch[];
}

export interface Retrieval {
  readonly queries: readonly RetrievedQuery[];
  readonly problems: readonly DatasetProblem[];
  /** Milliseconds a query: everything by the clock, and the share of searching and of verifying. */
  readonly msPerQuery: { readonly total: number; readonly search: number; readonly verify: number };
}

/** The local features of one image of a batch. */
function localFeaturesOf(local: LocalFeatures, row: number): LocalFeatures {
  const length = local.rows * local.columns * local.channels;
  return { ...local, data: local.data.subarray(row * length, (row + 1) * length) };
}

class QueryRetrieval {
  readonly queries: RetrievedQuery[] = [];
  readonly problems: DatasetProblem[] = [];
  searchMs = 0;
  verifyMs = 0;
  readonly #tools: RetrievalTools;
  readonly #options: RetrievalOptions;
  readonly #surveyor: PlaceSurveyor;

  constructor(tools: RetrievalTools, options: RetrievalOptions) {
    this.#surveyor = PlaceSurveyor.continuing(tools.map);
    this.#tools = tools;
    this.#options = options;
  }

  async add({ images, descriptors, problems }: DescribedBatch): Promise<void> {
    this.problems.push(...problems);
    const { dimension, global, local } = descriptors;
    for (const [row, { image }] of images.entries()) {
      const facts = this.#survey(image);
      if ('problem' in facts) {
        this.problems.push(facts);
        continue;
      }
      const query = global.subarray(row * dimension, (row + 1) * dimension);
      this.queries.push({
        facts,
        path: image.content.kind === 'file' ? image.content.path : null,
        matches: await this.#find(query, local === null ? null : localFeaturesOf(local, row)),
      });
    }
  }

  #survey(image: GeotaggedImage): Omit<Place, 'id'> | DatasetProblem {
    const facts = this.#surveyor.survey(image);
    if (!('problem' in facts) || this.#options.needsPositions) return facts;
    // Where positions do not matter, one that cannot be expressed in the map frame is as good as none.
    return this.#surveyor.survey({ ...image, geo: null, local: null });
  }

  async #find(query: Float32Array, local: LocalFeatures | null): Promise<readonly CandidateMatch[]> {
    const { index, verifier } = this.#tools;
    const started = performance.now();
    const found = await index.search(query, this.#options.k);
    const searched = performance.now();
    this.searchMs += searched - started;
    if (verifier === null || local === null) return found.map((match) => ({ ...match, evidence: NaN }));
    const verified = await verifier.verify(local, found);
    this.verifyMs += performance.now() - searched;
    return verified;
  }
}

/**
 * Batched inference with decoding ahead, not the node's recognizer of one frame at a time: the same decoder, model and
 * index give the same matches, several times faster.
 */
export async function retrieveQueries(
  source: GeotaggedImageSource,
  tools: RetrievalTools,
  options: RetrievalOptions,
): Promise<Retrieval> {
  const { progress = silentProgress } = options;
  const started = performance.now();
  const retrieval = new QueryRetrieval(tools, options);
  const describeOptions = { ...options, local: tools.verifier !== null };
  for await (const batch of describeImages(source, tools.model, describeOptions)) {
    options.signal?.throwIfAborted();
    await retrieval.add(batch);
    progress.update(retrieval.queries.length + retrieval.problems.length, source.count);
  }
  progress.finish();
  const { queries, problems, searchMs, verifyMs } = retrieval;
  const perQuery = (ms: number): number => ms / Math.max(1, queries.length);
  const total = perQuery(performance.now() - started);
  return { queries, problems, msPerQuery: { total, search: perQuery(searchMs), verify: perQuery(verifyMs) } };
}

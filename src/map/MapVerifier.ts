/** @file Verifies retrieved places by the features that the map holds of them. */
import { OnnxGridMatcher } from '../inference/OnnxGridMatcher.ts';
import type { CandidateMatch } from '../localization/Localizer.ts';
import type { Match } from '../retrieval/VectorIndex.ts';
import type { Consensus } from '../verification/findConsensus.ts';
import { quantizeGrid, type LocalFeatures, type LocalGrid } from '../verification/LocalGrid.ts';
import { rankByEvidence } from '../verification/rankByEvidence.ts';
import { SpatialVerifier } from '../verification/SpatialVerifier.ts';
import { PlaceFeatureCache, type PlaceFeatureReader } from './PlaceFeatureCache.ts';
import type { PlaceMap } from './PlaceMap.ts';

export interface MapVerifierOptions {
  /** The best K matches are verified; the others keep evidence NaN. */
  readonly topK: number;
  /** Bound of the features kept in memory. */
  readonly cacheBytes?: number;
}

/** What speaks for a place. */
export interface Explanation extends Consensus {
  /** The features of the place; its size gives location indices their meaning. */
  readonly candidateGrid: LocalGrid;
}

/** The same in node, replay, query, evaluate and calibration. */
export class MapVerifier {
  readonly topK: number;
  readonly #features: PlaceFeatureCache;
  readonly #matcher: OnnxGridMatcher;
  readonly #verifier: SpatialVerifier;

  private constructor(features: PlaceFeatureCache, matcher: OnnxGridMatcher, topK: number) {
    this.topK = topK;
    this.#features = features;
    this.#matcher = matcher;
    this.#verifier = new SpatialVerifier(matcher);
  }

  /** `read` gives what is stored of a place, e.g. `(id) => map.features(id)`. */
  static async create(read: PlaceFeatureReader, options: MapVerifierOptions): Promise<MapVerifier> {
    const features = new PlaceFeatureCache(read, options.cacheBytes);
    return new MapVerifier(features, await OnnxGridMatcher.create(), options.topK);
  }

  /** For a map that is only read; null when nothing is to be verified, or the map holds nothing to verify with. */
  static async open(map: PlaceMap, topK: number): Promise<MapVerifier | null> {
    if (topK === 0 || !map.hasLocalFeatures) return null;
    return MapVerifier.create((place) => map.features(place), { topK });
  }

  /** Adds evidence to the best K matches and ranks by it. `query` holds the features of one image. */
  async verify(query: LocalFeatures, matches: readonly Match[]): Promise<readonly CandidateMatch[]> {
    return this.verifyGrid(quantizeGrid(query), matches);
  }

  async verifyGrid(query: LocalGrid, matches: readonly Match[]): Promise<readonly CandidateMatch[]> {
    const places = matches.slice(0, this.topK).map(({ place }) => place);
    const verified = await this.explain(query, places);
    return rankByEvidence(
      matches.map((match, rank) => ({ ...match, evidence: verified[rank]?.evidence ?? Number.NaN })),
      ({ place }) => this.#features.get(place)!.descriptor,
    );
  }

  /** Evidence and inlier correspondences of places, for pictures; null for a place without comparable features. */
  async explain(query: LocalGrid, places: readonly number[]): Promise<readonly (Explanation | null)[]> {
    const grids = places.map((place) => this.#features.get(place)?.local ?? null);
    const found = grids.filter((grid) => grid !== null);
    const verified = (await this.#verifier.verify(query, found)).values();
    return grids.map((candidateGrid) => {
      const consensus = candidateGrid === null ? null : verified.next().value!;
      return candidateGrid === null || consensus === null ? null : { ...consensus, candidateGrid };
    });
  }

  async dispose(): Promise<void> {
    await this.#matcher.dispose();
  }
}

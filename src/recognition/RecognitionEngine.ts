/** @file All that the node asks of recognition, on both sides of the worker process; everything here can be sent across. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import type { GeoPoint } from '../geo/Pose.ts';
import type { Provider } from '../inference/OnnxSession.ts';
import type { Place } from '../map/Place.ts';
import type { PlaceRecognizer } from './PlaceRecognizer.ts';

/** What an engine is opened with. */
export interface EngineConfig {
  /** Path of the model manifest `name.json`. */
  readonly model: string;
  /** Path of the `.vprmap`. */
  readonly map: string;
  /** Execution providers in order of preference; the first that works is taken. */
  readonly providers: readonly Provider[];
  /** Threads of one inference; 0 = as many as ONNX Runtime thinks best. */
  readonly threads: number;
  /** `auto`: exact below a size where it is fast, HNSW above. */
  readonly index: 'auto' | 'exact' | 'hnsw';
  /** Spatially verify the best K candidates; 0 = off. */
  readonly verifyTopK: number;
  /**
   * Many images one after the other, decoded ahead: cores are shared with the decoder, image quality is not measured, and
   * nothing is mapped, so that local features are fetched for verification alone.
   */
  readonly throughput?: boolean;
  /** For mapping: the map must take places, and is made when it is missing. */
  readonly createMap: boolean;
}

/** What is known once model and map are open. */
export interface EngineFacts {
  readonly model: {
    readonly name: string;
    readonly sha256: string;
    readonly dimension: number;
    /** The provider that really runs. */
    readonly provider: string;
    /** Why it is not the first of the wish list: what is missing and what to do. Null when it is. */
    readonly providerProblem: string | null;
  };
  readonly map: {
    readonly path: string;
    readonly id: string;
    /** Name of the map frame, for message headers and tf. */
    readonly frame: string;
    readonly datum: GeoPoint | null;
    /** As the localization room made it; null = not calibrated. */
    readonly calibration: unknown;
    /** In ascending id. */
    readonly places: readonly Place[];
    readonly hasLocalFeatures: boolean;
  };
}

/** All that is known of a frame beside its pixels. */
export type FrameGeotag = Omit<GeotaggedImage, 'content'>;

/** A match shown beside the query in the debug image. */
export interface DebugMatch {
  readonly place: number;
  readonly caption: string;
}

export interface RecognitionEngine extends PlaceRecognizer {
  readonly facts: EngineFacts;
  /**
   * Adds the frame that was recognized last to the map, with what is known of where it was taken. Resolves with the place
   * when it is safe on the disk; rejects when `stampNs` is not that frame's, its position does not fit the map, or the
   * engine was opened for `throughput`.
   */
  addPlace(geotag: FrameGeotag): Promise<Place>;
  /** Seals the map, so that it verifies; mapping may go on. Resolves with the number of places. */
  saveMap(): Promise<number>;
  /** JPEG bytes: the frame that was recognized last beside the thumbnails of matches. Null before the first frame. */
  renderMatches(title: string, matches: readonly DebugMatch[]): Promise<Uint8Array | null>;
}

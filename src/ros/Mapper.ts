/** @file Mapping on the robot: keyframes become places of the map, each with its geotag; a place counts when it is on the disk. */
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import { describeError } from '../errors.ts';
import type { LoopClosure } from '../localization/LoopClosure.ts';
import type { LoopClosureDetector } from '../localization/LoopClosureDetector.ts';
import type { Place } from '../map/Place.ts';
import type { FrameGeotag, RecognitionEngine } from '../recognition/RecognitionEngine.ts';
import type { RecognizedFrame } from './FramePipeline.ts';
import { FreshPlaces, type Moment } from './FreshPlaces.ts';
import { findNovelty, type KeyframeCandidate, type KeyframeThresholds } from './KeyframeSelector.ts';

/** Where a frame was taken, as far as the chosen source knows. */
export interface FramePosition {
  /** For distance and turn: in whatever continuous frame the source has. */
  readonly motion: Pose | null;
  /** Camera pose for the map; null = a place without position. */
  readonly local: Pose | null;
  readonly geo: GeoPoint | null;
  readonly sigmaM: number | null;
}

export interface MapperOptions {
  readonly engine: Pick<RecognitionEngine, 'addPlace'>;
  readonly thresholds: () => KeyframeThresholds;
  readonly positionAt: (stampNs: bigint, cameraFrame: string) => FramePosition;
  /** Name of the drive. */
  readonly sequence: string;
  readonly odometryAt: (stampNs: bigint) => Pose | null;
  readonly createLoopClosureDetector: () => LoopClosureDetector;
  /** Id of the last place of the map so far; 0 = none. */
  readonly newestPlace: number;
  readonly onPlace: (place: Place) => void;
  /** So many more of the places, oldest first, are no longer fresh. */
  readonly onOldPlaces: (count: number) => void;
  readonly onLoopClosure: (closure: LoopClosure) => void;
}

export class Mapper {
  readonly #options: MapperOptions;
  readonly #fresh: FreshPlaces;
  #loops: LoopClosureDetector;
  #last: KeyframeCandidate | null = null;
  #added = 0;
  #refused = 0;
  #lastProblem: string | null = null;

  constructor(options: MapperOptions) {
    this.#options = options;
    this.#loops = options.createLoopClosureDetector();
    this.#fresh = new FreshPlaces((place, now) => this.#loops.isOld(place, now), options.newestPlace);
  }

  get statistics(): { readonly added: number; readonly refused: number; readonly lastProblem: string | null } {
    return { added: this.#added, refused: this.#refused, lastProblem: this.#lastProblem };
  }

  /** The places after this one are too fresh to be searched. */
  get newestOldPlace(): number {
    return this.#fresh.newestOld;
  }

  /** The drive begins anew, as with a looped recording: all that was mapped is of the past. */
  startAnew(): void {
    this.#options.onOldPlaces(this.#fresh.releaseAll().length);
    this.#loops = this.#options.createLoopClosureDetector();
    this.#last = null;
  }

  /** Adds the frame when it is a keyframe. A place that cannot be added is counted and said, and mapping goes on. */
  async consider(recognition: RecognizedFrame): Promise<void> {
    const { stampNs } = recognition;
    const now = { stampNs, odometry: this.#options.odometryAt(stampNs) };
    const old = this.#fresh.release(now);
    if (old.length > 0) this.#options.onOldPlaces(old.length);
    const position = this.#options.positionAt(stampNs, recognition.frameId);
    const candidate = { pose: position.motion, descriptor: recognition.descriptor };
    if (findNovelty(this.#last, candidate, this.#options.thresholds()) === null) return;
    try {
      const place = await this.#options.engine.addPlace(this.#toGeotag(recognition, position));
      this.#last = candidate;
      this.#added += 1;
      this.#lastProblem = null;
      this.#accept(place, recognition, now);
    } catch (error) {
      this.#refused += 1;
      this.#lastProblem = describeError(error);
    }
  }

  #accept(place: Place, { matches }: RecognizedFrame, now: Moment): void {
    this.#fresh.add(place);
    this.#options.onPlace(place);
    const closure = this.#loops.process({ place: place.id, ...now, matches });
    if (closure !== null) this.#options.onLoopClosure(closure);
  }

  #toGeotag({ stampNs }: RecognizedFrame, { local, geo, sigmaM }: FramePosition): FrameGeotag {
    const headed = local !== null && !Number.isNaN(local.qw);
    return {
      name: `${this.#options.sequence}@${stampNs}`,
      role: null,
      place: null,
      geo,
      local: geo === null && local !== null ? { x: local.x, y: local.y, z: local.z } : null,
      yawRad: null,
      orientation: headed ? [local.qx, local.qy, local.qz, local.qw] : null,
      positionSigmaM: sigmaM,
      stampNs,
      sequence: this.#options.sequence,
      frame: this.#added,
      condition: null,
    };
  }
}

/** @file Mapping on the robot: keyframes become places of the map, each with its geotag; a place counts when it is on the disk. */
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import { describeError } from '../errors.ts';
import type { Place } from '../map/Place.ts';
import type { FrameGeotag, RecognitionEngine } from '../recognition/RecognitionEngine.ts';
import type { RecognizedFrame } from './FramePipeline.ts';
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
  readonly onPlace: (place: Place, recognition: RecognizedFrame) => void;
}

export class Mapper {
  readonly #options: MapperOptions;
  #last: KeyframeCandidate | null = null;
  #added = 0;
  #refused = 0;
  #lastProblem: string | null = null;

  constructor(options: MapperOptions) {
    this.#options = options;
  }

  get statistics(): { readonly added: number; readonly refused: number; readonly lastProblem: string | null } {
    return { added: this.#added, refused: this.#refused, lastProblem: this.#lastProblem };
  }

  /** Adds the frame when it is a keyframe. A place that cannot be added is counted and said, and mapping goes on. */
  async consider(recognition: RecognizedFrame): Promise<void> {
    const position = this.#options.positionAt(recognition.stampNs, recognition.frameId);
    const candidate = { pose: position.motion, descriptor: recognition.descriptor };
    if (findNovelty(this.#last, candidate, this.#options.thresholds()) === null) return;
    try {
      const place = await this.#options.engine.addPlace(this.#toGeotag(recognition, position));
      this.#last = candidate;
      this.#added += 1;
      this.#lastProblem = null;
      this.#options.onPlace(place, recognition);
    } catch (error) {
      this.#refused += 1;
      this.#lastProblem = describeError(error);
    }
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

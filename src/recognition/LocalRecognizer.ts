/** @file Frame -> pixels -> descriptor -> places, in this thread: what every caller of recognition runs in the end. */
import { NetvladError } from '../errors.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import { decodeFrame } from '../image/decodeFrame.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { DescriptorModel, Descriptors, LocalFeatures } from '../inference/DescriptorModel.ts';
import type { CandidateMatch } from '../localization/Localizer.ts';
import type { Match, VectorIndex } from '../retrieval/VectorIndex.ts';
import { computeImageQuality } from './imageQuality.ts';
import type { PlaceRecognizer, Recognition } from './PlaceRecognizer.ts';

/** Adds geometric evidence to the candidates and may reorder them. */
export interface CandidateVerifier {
  verify(query: LocalFeatures, candidates: readonly Match[]): Promise<readonly CandidateMatch[]>;
}

/** The frame that was recognized last, kept for mapping and debug images. */
export interface LastFrame {
  readonly stampNs: bigint;
  readonly image: RgbImage;
  readonly descriptors: Descriptors;
}

export interface LocalRecognizerOptions {
  readonly verifier?: CandidateVerifier | null;
  /** Ask the model for local features even without a verifier, as mapping does. */
  readonly keepLocal?: boolean;
  /** Default true; a look at every pixel. */
  readonly measureQuality?: boolean;
}

export class LocalRecognizer implements PlaceRecognizer {
  readonly #model: DescriptorModel;
  readonly #index: VectorIndex;
  readonly #verifier: CandidateVerifier | null;
  readonly #keepLocal: boolean;
  readonly #measureQuality: boolean;
  #last: LastFrame | null = null;

  /** Owns the model from now on; the index stays the caller's. */
  constructor(model: DescriptorModel, index: VectorIndex, options: LocalRecognizerOptions = {}) {
    if (model.manifest.descriptor.dimension !== index.dimension) {
      throw new NetvladError(
        'model',
        `Model ${model.manifest.name} makes descriptors of ${model.manifest.descriptor.dimension} numbers, the index holds ${index.dimension}.`,
        { hint: 'Use the model that made the map.' },
      );
    }
    this.#model = model;
    this.#index = index;
    this.#verifier = options.verifier ?? null;
    this.#keepLocal = options.keepLocal ?? false;
    this.#measureQuality = options.measureQuality ?? true;
  }

  get last(): LastFrame | null {
    return this.#last;
  }

  async recognize(frame: CameraFrame, k: number, newestPlace?: number): Promise<Recognition> {
    const { stampNs, frameId } = frame;
    const started = performance.now();
    const image = await decodeFrame(frame);
    const decoded = performance.now();
    if (isFrameProblem(image)) return { kind: 'rejected', stampNs, frameId, problem: image };
    const descriptors = await this.#model.describe([image], { local: this.#keepLocal || this.#verifier !== null });
    const described = performance.now();
    if (!descriptors.global.every(Number.isFinite)) {
      const message = 'The descriptor is not a number: the image holds nothing to describe.';
      return { kind: 'rejected', stampNs, frameId, problem: { kind: 'corrupt', message } };
    }
    const isSearched = newestPlace === undefined ? undefined : (place: number): boolean => place <= newestPlace;
    const found = this.#index.size === 0 ? [] : await this.#index.search(descriptors.global, k, isSearched);
    const searched = performance.now();
    const matches = await this.#verify(descriptors, found);
    const verified = performance.now();
    this.#last = { stampNs, image, descriptors };
    return {
      kind: 'recognized',
      stampNs,
      frameId,
      descriptor: descriptors.global.slice(0, descriptors.dimension),
      matches,
      quality: this.#measureQuality ? computeImageQuality(image) : null,
      timings: {
        decodeMs: decoded - started,
        describeMs: described - decoded,
        searchMs: searched - described,
        verifyMs: verified - searched,
      },
    };
  }

  async dispose(): Promise<void> {
    this.#last = null;
    await this.#model.dispose();
  }

  async #verify({ local }: Descriptors, found: readonly Match[]): Promise<readonly CandidateMatch[]> {
    if (this.#verifier === null || local === null) return found.map((match) => ({ ...match, evidence: NaN }));
    return this.#verifier.verify(local, found);
  }
}

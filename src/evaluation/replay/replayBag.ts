/** @file Drives a recording through recognition and localization: all of it as fast as it goes, or at its own pace. */
import { isBagProblem, type BagSource } from '../../bags/BagSource.ts';
import { holdsImage } from '../../bags/chooseTopic.ts';
import { parseCameraFrame } from '../../bags/parseMessages.ts';
import type { PoseTrack } from '../../bags/PoseTrack.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import { toEnu, type LocalDatum } from '../../geo/LocalDatum.ts';
import type { Pose } from '../../geo/Pose.ts';
import type { CameraFrame } from '../../image/CameraFrame.ts';
import type { Localizer, Observation } from '../../localization/Localizer.ts';
import { mapAhead } from '../../map/mapAhead.ts';
import { LatestFrameSlot } from '../../recognition/LatestFrameSlot.ts';
import type { PlaceRecognizer, Recognition } from '../../recognition/PlaceRecognizer.ts';
import type { ReplayFrame } from './ReplayFrame.ts';

/** Frames decoded while the network is at work on another; decoding is shorter than describing. */
const AHEAD = 3;
/** A receiver that does not say how good it is, is taken for a plain one, as in the node. */
const UNKNOWN_FIX_VARIANCE = 100;

export interface ReplayInputs {
  readonly bag: BagSource;
  readonly imageTopic: string;
  /** Null = not used. */
  readonly odometry: PoseTrack | null;
  readonly fixes: PoseTrack | null;
  readonly datum: LocalDatum | null;
  /** An odometry message or a fix is used for an image when their stamps differ by at most this. */
  readonly toleranceNs: bigint;
  readonly truthAt: (stampNs: bigint, cameraFrame: string) => Pose | null;
}

export interface ReplayTools {
  readonly recognizer: PlaceRecognizer;
  readonly localizer: Localizer;
  readonly topK: number;
  /** Images under way at once; 1 where `onFrame` asks the recognizer for more about the frame that it recognized last. */
  readonly ahead?: number;
}

export interface ReplayEvents {
  /** In the order of the recording. */
  readonly onFrame: (frame: ReplayFrame) => Promise<void>;
  readonly onProblem: (problem: DatasetProblem) => void;
  readonly signal: AbortSignal;
}

interface RecordedImage {
  readonly frame: CameraFrame;
  readonly logTimeNs: bigint;
  readonly index: number;
  readonly name: string;
}

async function* readImages(
  { bag, imageTopic }: ReplayInputs,
  { recognizer }: ReplayTools,
  { onProblem, signal }: ReplayEvents,
): AsyncGenerator<RecordedImage> {
  let index = 0;
  for await (const item of bag.messages([imageTopic])) {
    signal.throwIfAborted();
    if (isBagProblem(item)) {
      onProblem(item);
      continue;
    }
    if (!holdsImage(item)) continue;
    try {
      const frame = parseCameraFrame(item, recognizer.copyPixels);
      yield { frame, logTimeNs: item.logTimeNs, index, name: `${imageTopic}@${frame.stampNs}` };
    } catch (error) {
      const where = `${bag.path}, ${imageTopic} at ${item.logTimeNs} ns`;
      onProblem({ problem: `An image message is damaged: ${(error as Error).message}.`, where });
    }
    index++;
  }
}

/** From recognition to the finished frame, one after the other in recorded order. */
class FrameLocalizer {
  readonly #inputs: ReplayInputs;
  readonly #tools: ReplayTools;
  #lastStampNs: bigint | null = null;

  constructor(inputs: ReplayInputs, tools: ReplayTools) {
    this.#inputs = inputs;
    this.#tools = tools;
  }

  localize(image: RecordedImage, recognition: Recognition, startedMs: number | null): ReplayFrame {
    const facts = this.describe(image);
    if (recognition.kind === 'rejected') return { kind: 'rejected', ...facts, problem: recognition.problem };
    const { localizer } = this.#tools;
    const { stampNs, matches, timings } = recognition;
    if (this.#lastStampNs !== null && stampNs < this.#lastStampNs) localizer.reset(); // as the node when time jumps back
    this.#lastStampNs = stampNs;
    const before = performance.now();
    const decision = localizer.process({ stampNs, matches, ...this.#contextAt(stampNs) });
    const after = performance.now();
    const latencyMs = startedMs === null ? null : after - startedMs;
    return {
      ...{ kind: 'processed', ...facts, decision, matches, latencyMs },
      timings: { ...timings, localizeMs: after - before },
    };
  }

  describe({ frame, logTimeNs, index, name }: RecordedImage): Omit<Extract<ReplayFrame, { kind: 'dropped' }>, 'kind'> {
    const { stampNs, frameId } = frame;
    return { name, index, stampNs, logTimeNs, frameId, truth: this.#inputs.truthAt(stampNs, frameId) };
  }

  #contextAt(stampNs: bigint): Pick<Observation, 'odometry' | 'fix'> {
    const { odometry, fixes, datum, toleranceNs } = this.#inputs;
    const pose = odometry?.within(stampNs, toleranceNs)?.pose ?? null;
    const fix = fixes?.nearest(stampNs, toleranceNs) ?? null;
    return {
      odometry: pose === null ? null : { stampNs, pose },
      fix:
        fix?.geo == null || datum === null
          ? null
          : {
              ...{ stampNs: fix.stampNs, ...toEnu(datum, fix.geo) },
              covariance: fix.covariance ?? [UNKNOWN_FIX_VARIANCE, 0, 0, UNKNOWN_FIX_VARIANCE],
            },
    };
  }
}

/** Every image, in order, with decoding ahead of the network. The same recording gives the same decisions. */
export async function replayAll(inputs: ReplayInputs, tools: ReplayTools, events: ReplayEvents): Promise<void> {
  const localizer = new FrameLocalizer(inputs, tools);
  const recognize = async (image: RecordedImage): Promise<{ image: RecordedImage; recognition: Recognition }> => ({
    image,
    recognition: await tools.recognizer.recognize(image.frame, tools.topK),
  });
  const ahead = tools.ahead ?? AHEAD;
  for await (const { image, recognition } of mapAhead(readImages(inputs, tools, events), () => ahead, recognize)) {
    await events.onFrame(localizer.localize(image, recognition, null));
  }
}

/**
 * At `speed` times the recorded pace: an image that comes while two others wait or are at work is overtaken, as in the
 * node. `recognizer` must work in a thread of its own, or the clock stands still with it.
 */
export async function replayPaced(
  inputs: ReplayInputs,
  tools: ReplayTools,
  { speed, ...events }: ReplayEvents & { readonly speed: number },
): Promise<void> {
  const localizer = new FrameLocalizer(inputs, tools);
  const waiting = new Map<CameraFrame, { readonly image: RecordedImage; readonly arrivedMs: number }>();
  const order: RecordedImage[] = [];
  let failure: unknown = null;
  /** Images before one that is done were overtaken. */
  const tellUpTo = async (done: ReplayFrame | null): Promise<void> => {
    while (order.length > 0 && (done === null || order[0]!.index <= done.index)) {
      const image = order.shift()!;
      await events.onFrame(done?.index === image.index ? done : { kind: 'dropped', ...localizer.describe(image) });
    }
  };
  const slot = new LatestFrameSlot(async (frame) => {
    const { image, arrivedMs } = waiting.get(frame)!;
    try {
      const recognition = await tools.recognizer.recognize(frame, tools.topK);
      await tellUpTo(localizer.localize(image, recognition, arrivedMs));
    } catch (error) {
      failure ??= error;
    }
  });
  let start: { readonly wallMs: number; readonly logNs: bigint } | null = null;
  for await (const image of readImages(inputs, tools, events)) {
    start ??= { wallMs: performance.now(), logNs: image.logTimeNs };
    const dueMs = start.wallMs + Number(image.logTimeNs - start.logNs) / 1e6 / speed;
    await sleepUntil(dueMs);
    if (failure !== null) throw failure as Error;
    waiting.set(image.frame, { image, arrivedMs: performance.now() });
    order.push({ ...image, frame: withoutPixels(image.frame) });
    slot.offer(image.frame);
    for (const frame of [...waiting.keys()].slice(0, -2)) waiting.delete(frame);
  }
  await slot.drain();
  if (failure !== null) throw failure as Error;
  await tellUpTo(null);
}

/** What is kept of an image until the end of the run. */
function withoutPixels(frame: CameraFrame): CameraFrame {
  return { ...frame, data: new Uint8Array(0) };
}

async function sleepUntil(dueMs: number): Promise<void> {
  const restMs = dueMs - performance.now();
  if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
}

/** @file The results of a replay as a recording: the node's own topics, dated as the images were received. */
import { findCameraMount } from '../../bags/cameraMount.ts';
import { createRecordingWriter } from '../../bags/createRecordingWriter.ts';
import type { FrameTree } from '../../bags/FrameTree.ts';
import type { RecordingWriter } from '../../bags/RecordingWriter.ts';
import { toRosTime } from '../../bags/rosTime.ts';
import type { Pose } from '../../geo/Pose.ts';
import { invertPose } from '../../geo/poseAlgebra.ts';
import type { Decision } from '../../localization/Localizer.ts';
import type { ProcessedFrame, ReplayFrame } from '../../evaluation/replay/ReplayFrame.ts';
import type { RecognitionEngine } from '../../recognition/RecognitionEngine.ts';
import { describeDebugImage } from '../../ros/describeDebugImage.ts';
import type { MapOdomCorrection } from '../../ros/MapOdomCorrection.ts';
import { toBaseDecision } from '../../ros/toBaseDecision.ts';
import {
  toFix,
  toHypothesesMessage,
  toMarkers,
  toPoseArray,
  toPoseStamped,
  toRejection,
  type MessageContext,
} from '../../ros/toMessages.ts';
import { Trajectory } from '../../ros/Trajectory.ts';
import type { InputCopy } from './InputCopy.ts';
import type { ReplayStatus } from './ReplayStatus.ts';

/** map -> odom, as with the node's parameter publish_tf. */
export interface CorrectionSource {
  readonly correction: MapOdomCorrection;
  readonly odomFromBaseAt: (stampNs: bigint) => Pose | null;
  readonly toleranceS: number;
}

export interface ResultsContext {
  readonly messages: MessageContext;
  readonly frames: FrameTree;
  /** As the node's parameter: poses are given of this frame; empty = of the camera. */
  readonly baseFrame: string;
  readonly status: ReplayStatus;
  /** Draws the debug images; null = there are none. */
  readonly painter: Pick<RecognitionEngine, 'renderMatches'> | null;
  /** Null = nothing on /tf. */
  readonly tf: CorrectionSource | null;
  /** Null = the results alone. */
  readonly inputs: InputCopy | null;
}

/** What the node is called when it is started plainly. */
const NODE = '/localizer';

export class ResultsRecording {
  readonly #writer: RecordingWriter;
  readonly #context: ResultsContext;
  readonly #trajectory = new Trajectory();

  private constructor(writer: RecordingWriter, context: ResultsContext) {
    this.#writer = writer;
    this.#context = context;
  }

  static async create(path: string, context: ResultsContext): Promise<ResultsRecording> {
    return new ResultsRecording(await createRecordingWriter(path, { compression: 'zstd' }), context);
  }

  /** Frames come in the order of the recording; a processed one is the one that the recognizer saw last. */
  async write(frame: ReplayFrame): Promise<void> {
    const { status, inputs } = this.#context;
    const writer = this.#writer;
    const { logTimeNs } = frame;
    await inputs?.copyUpTo(logTimeNs, writer);
    if (frame.kind === 'processed') await this.#writeDecision(frame);
    if (frame.kind === 'rejected') {
      await this.#writeHypotheses(toRejection(frame.stampNs, frame.problem.message), logTimeNs);
    }
    status.add(frame);
    const due = status.takeDue(logTimeNs);
    if (due === null) return;
    await writer.write('/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray', logTimeNs, due.diagnostics);
    await writer.write(`${NODE}/recall`, 'netvlad_localizer/msg/RecallDiagnostics', logTimeNs, due.recall);
    const path = this.#trajectory.toMessage();
    if (path !== null) await writer.write(`${NODE}/trajectory`, 'nav_msgs/msg/Path', logTimeNs, path);
  }

  async close(): Promise<void> {
    await this.#context.inputs?.copyUpTo(null, this.#writer);
    await this.#writer.close();
  }

  async abandon(): Promise<void> {
    await this.#writer.abandon();
  }

  async #writeDecision(frame: ProcessedFrame): Promise<void> {
    const { messages, tf } = this.#context;
    const { logTimeNs } = frame;
    const writer = this.#writer;
    const { decision, withPose } = this.#toBase(frame.decision, frame.frameId);
    await this.#writeHypotheses(decision, logTimeNs);
    const pose = withPose ? toPoseStamped(decision, messages) : null;
    if (pose !== null) {
      await writer.write(`${NODE}/pose`, 'geometry_msgs/msg/PoseWithCovarianceStamped', logTimeNs, pose);
      this.#trajectory.add(pose);
    }
    const fix = withPose ? toFix(decision, messages) : null;
    if (fix !== null) await writer.write(`${NODE}/fix`, 'sensor_msgs/msg/NavSatFix', logTimeNs, fix);
    if (withPose && tf !== null) await this.#writeTf(decision, logTimeNs, tf);
    await this.#writePicture(frame);
  }

  async #writeHypotheses(decision: Decision, logTimeNs: bigint): Promise<void> {
    const { messages } = this.#context;
    const writer = this.#writer;
    const hypotheses = toHypothesesMessage(decision, messages);
    await writer.write(`${NODE}/hypotheses`, 'netvlad_localizer/msg/PlaceHypotheses', logTimeNs, hypotheses);
    const poses = toPoseArray(decision, messages);
    await writer.write(`${NODE}/hypotheses/poses`, 'geometry_msgs/msg/PoseArray', logTimeNs, poses);
    const markers = toMarkers(decision, messages);
    await writer.write(`${NODE}/hypotheses/markers`, 'visualization_msgs/msg/MarkerArray', logTimeNs, { markers });
  }

  /** Without the camera's place on the robot the pose topics stay silent, as in the node. */
  #toBase(decision: Decision, cameraFrame: string): { readonly decision: Decision; readonly withPose: boolean } {
    const { frames, baseFrame } = this.#context;
    if (baseFrame === '') return { decision, withPose: true };
    const mount = findCameraMount(frames, baseFrame, cameraFrame);
    if (mount === null) return { decision, withPose: false };
    return { decision: toBaseDecision(decision, invertPose(mount)), withPose: true };
  }

  async #writeTf(ofBase: Decision, logTimeNs: bigint, tf: CorrectionSource): Promise<void> {
    const { correction, odomFromBaseAt, toleranceS } = tf;
    const message = correction.update(ofBase, odomFromBaseAt(ofBase.stampNs), toleranceS);
    if (message !== null) await this.#writer.write('/tf', 'tf2_msgs/msg/TFMessage', logTimeNs, message);
  }

  async #writePicture({ decision, matches, stampNs, frameId, logTimeNs }: ProcessedFrame): Promise<void> {
    const { title, shown } = describeDebugImage(decision, matches);
    const jpeg = (await this.#context.painter?.renderMatches(title, shown)) ?? null;
    if (jpeg === null) return;
    await this.#writer.write(`${NODE}/debug_image/compressed`, 'sensor_msgs/msg/CompressedImage', logTimeNs, {
      ...{ header: { stamp: toRosTime(stampNs), frame_id: frameId }, format: 'jpeg', data: jpeg },
    });
  }
}

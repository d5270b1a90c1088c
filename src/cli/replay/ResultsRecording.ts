/** @file The results of a replay as a recording: the node's own topics, dated as the images were received. */
import { findCameraMount } from '../../bags/cameraMount.ts';
import type { FrameTree } from '../../bags/FrameTree.ts';
import { createMcapWriter, type McapRecordingWriter } from '../../bags/McapRecordingWriter.ts';
import { invertPose } from '../../geo/poseAlgebra.ts';
import type { Decision } from '../../localization/Localizer.ts';
import type { ReplayFrame } from '../../evaluation/replay/ReplayFrame.ts';
import { toBaseDecision } from '../../ros/toBaseDecision.ts';
import {
  toFix,
  toHypothesesMessage,
  toMarkers,
  toPoseArray,
  toPoseStamped,
  toRejectionMessage,
  type MessageContext,
} from '../../ros/toMessages.ts';

export interface ResultsContext {
  readonly messages: MessageContext;
  readonly frames: FrameTree;
  /** As the node's parameter: poses are given of this frame; empty = of the camera. */
  readonly baseFrame: string;
}

/** What the node is called when it is started plainly. */
const NODE = '/localizer';

export class ResultsRecording {
  readonly #writer: McapRecordingWriter;
  readonly #context: ResultsContext;

  private constructor(writer: McapRecordingWriter, context: ResultsContext) {
    this.#writer = writer;
    this.#context = context;
  }

  static async create(path: string, context: ResultsContext): Promise<ResultsRecording> {
    return new ResultsRecording(await createMcapWriter(path, { compression: 'zstd' }), context);
  }

  async write(frame: ReplayFrame): Promise<void> {
    const { messages } = this.#context;
    if (frame.kind === 'dropped') return;
    if (frame.kind === 'rejected') {
      const answer = toRejectionMessage(frame.stampNs, frame.problem.message, messages);
      await this.#writer.write(`${NODE}/hypotheses`, 'netvlad_localizer/msg/PlaceHypotheses', frame.logTimeNs, answer);
      return;
    }
    const { decision, withPose } = this.#toBase(frame.decision, frame.frameId);
    await this.#writeDecision(decision, { withPose, logTimeNs: frame.logTimeNs });
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  async abandon(): Promise<void> {
    await this.#writer.abandon();
  }

  /** Without the camera's place on the robot the pose topics stay silent, as in the node. */
  #toBase(decision: Decision, cameraFrame: string): { readonly decision: Decision; readonly withPose: boolean } {
    const { frames, baseFrame } = this.#context;
    if (baseFrame === '') return { decision, withPose: true };
    const mount = findCameraMount(frames, baseFrame, cameraFrame);
    if (mount === null) return { decision, withPose: false };
    return { decision: toBaseDecision(decision, invertPose(mount)), withPose: true };
  }

  async #writeDecision(
    decision: Decision,
    { withPose, logTimeNs }: { readonly withPose: boolean; readonly logTimeNs: bigint },
  ): Promise<void> {
    const { messages } = this.#context;
    const writer = this.#writer;
    const hypotheses = toHypothesesMessage(decision, messages);
    await writer.write(`${NODE}/hypotheses`, 'netvlad_localizer/msg/PlaceHypotheses', logTimeNs, hypotheses);
    const poses = toPoseArray(decision, messages);
    await writer.write(`${NODE}/hypotheses/poses`, 'geometry_msgs/msg/PoseArray', logTimeNs, poses);
    const markers = toMarkers(decision, messages);
    await writer.write(`${NODE}/hypotheses/markers`, 'visualization_msgs/msg/MarkerArray', logTimeNs, { markers });
    const pose = withPose ? toPoseStamped(decision, messages) : null;
    if (pose === null) return;
    await writer.write(`${NODE}/pose`, 'geometry_msgs/msg/PoseWithCovarianceStamped', logTimeNs, pose);
    const fix = toFix(decision, messages);
    if (fix !== null) await writer.write(`${NODE}/fix`, 'sensor_msgs/msg/NavSatFix', logTimeNs, fix);
  }
}

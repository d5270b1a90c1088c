/** @file What exists from activate to deactivate: the inputs, the frame pipeline between them and the outputs, mapping. */
import { toRosTime } from '../bags/rosTime.ts';
import { describeError } from '../errors.ts';
import { toEnu, createDatum } from '../geo/LocalDatum.ts';
import { composePoses, invertPose } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import type { Decision } from '../localization/Localizer.ts';
import { LoopClosureDetector } from '../localization/LoopClosureDetector.ts';
import { CameraTransforms } from './CameraTransforms.ts';
import { describeDebugImage } from './describeDebugImage.ts';
import type { Finding } from './DiagnosticUpdater.ts';
import { FramePipeline, type RecognizedFrame } from './FramePipeline.ts';
import { ImageInput, resolveImageTopic, type ImageTransport } from './ImageInput.ts';
import type { LocalizationSession } from './LocalizationSession.ts';
import { Mapper, type FramePosition } from './Mapper.ts';
import { MapOdomBroadcaster } from './MapOdomBroadcaster.ts';
import { MotionInputs } from './MotionInputs.ts';
import type { NodeTime } from './NodeTime.ts';
import type { ParameterStore } from './ParameterStore.ts';
import { readQos } from './qosOverrides.ts';
import { SENSOR_QOS, type Qos, type RosNode } from './RosNode.ts';
import { toBaseDecision } from './toBaseDecision.ts';

export interface RunParts {
  readonly node: RosNode;
  readonly store: ParameterStore;
  readonly session: LocalizationSession;
  readonly time: NodeTime;
}

export class ActiveRun {
  readonly image: ImageInput;
  readonly pipeline: FramePipeline;
  /** Frames are ignored while false. */
  enabled = true;
  readonly #parts: RunParts;
  readonly #motion: MotionInputs;
  readonly #transforms: CameraTransforms;
  readonly #broadcaster: MapOdomBroadcaster;
  #mapper: Mapper | null = null;
  #extrinsicsMissing = false;
  /** Told once, not with every frame. */
  #pictureProblem: string | null = null;

  constructor(parts: RunParts) {
    const { node, store, session, time } = parts;
    this.#parts = parts;
    this.pipeline = new FramePipeline({
      recognizer: session.engine,
      localizer: session.localizer,
      topK: () => store.get('top_k'),
      newestPlace: () => this.#mapper?.newestOldPlace,
      contextAt: (stampNs) => this.#contextAt(stampNs),
      onJumpBack: () => {
        this.#startAnew();
      },
      onDecision: (decision, recognition) => {
        this.#publish(decision, recognition);
      },
      onRejected: (stampNs, reason) => {
        session.outputs.publishRejection(stampNs, reason);
      },
      afterwards: (decision, recognition) => this.#finish(decision, recognition),
      onFailure: (reason) => {
        node.logger.debug(`Frame lost: ${reason}`);
      },
    });
    const [base, odom] = [store.get('base_frame'), store.get('odom_frame')];
    this.#transforms = new CameraTransforms(node, { base, odom, dynamic: base !== '' });
    this.#broadcaster = new MapOdomBroadcaster(node, { map: session.context.frame, odom });
    this.#motion = new MotionInputs(node, {
      qosOf: (topic, qos) => this.#qosOf(topic, qos),
      groundTruth: store.get('ground_truth_type') as 'none' | 'pose' | 'fix',
      mappingPose: store.get('mapping.geotag') === 'pose',
    });
    const transport = store.get('image_transport') as ImageTransport;
    this.image = new ImageInput(node, {
      transport,
      qos: this.#qosOf(resolveImageTopic(node, transport), { ...SENSOR_QOS, depth: 10 }),
      clockNs: () => time.nowNs,
      onFrame: (frame, arrivedMs) => {
        if (this.enabled) this.pipeline.offer(frame, arrivedMs);
      },
    });
    if (store.get('mapping.enabled')) this.mapping = true;
  }

  set mapping(on: boolean) {
    if (on === (this.#mapper !== null)) return;
    this.#mapper = on ? this.#createMapper() : null;
    if (!on) this.#parts.session.admitAll();
  }

  /** Null while it does not map. */
  get mappingStatistics(): Mapper['statistics'] | null {
    return this.#mapper?.statistics ?? null;
  }

  get findings(): readonly Finding[] {
    return [...this.#extrinsicsFindings(), ...this.#broadcaster.findings];
  }

  /** Forgets the past: the next frame is the first. */
  reset(): void {
    this.#startAnew();
    this.#motion.clear();
  }

  async stop(): Promise<void> {
    for (const input of [this.image, this.#motion, this.#transforms]) input.destroy();
    await this.pipeline.stop();
    this.#broadcaster.destroy();
  }

  #startAnew(): void {
    this.#parts.session.localizer.reset();
    this.#parts.session.outputs.clearTrajectory();
    this.#broadcaster.reset();
    this.#mapper?.startAnew();
  }

  #qosOf(topic: string, qos: Qos): Qos {
    const read = readQos(this.#parts.store, topic, qos);
    for (const problem of read.problems) this.#parts.node.logger.warn(problem);
    return read.qos;
  }

  #contextAt(stampNs: bigint): ReturnType<ConstructorParameters<typeof FramePipeline>[0]['contextAt']> {
    const { store, session } = this.#parts;
    const tolerance = store.get('odometry_tolerance');
    const { datum } = session;
    return {
      odometry: store.get('use_odometry') ? this.#motion.odometryAt(stampNs, tolerance) : null,
      fix: store.get('use_fix') && datum !== null ? this.#motion.priorAt(stampNs, datum, tolerance) : null,
    };
  }

  /** cameraBodyFromBase; undefined where no base frame is asked for, null where tf does not know it. */
  #extrinsicsOf(cameraFrame: string): Pose | null | undefined {
    const base = this.#parts.store.get('base_frame');
    return base === '' ? undefined : this.#transforms.cameraBodyFromBase(cameraFrame, base);
  }

  #publish(decision: Decision, { frameId, stampNs, matches }: RecognizedFrame): void {
    const { store, session } = this.#parts;
    const tolerance = store.get('odometry_tolerance');
    const truth = this.#motion.truthAt(stampNs, session.datum, tolerance);
    const places = matches.map(({ place }) => place);
    session.recall.judge(decision, places, {
      truth,
      radiusM: store.get('ground_truth_radius'),
      frames: store.get('ground_truth_window'),
    });
    const extrinsics = this.#extrinsicsOf(frameId);
    this.#extrinsicsMissing = extrinsics === null;
    const ofBase = extrinsics ? toBaseDecision(decision, extrinsics) : decision;
    session.outputs.publish(ofBase, { withPose: extrinsics !== null });
    if (!store.get('publish_tf') || !extrinsics) return;
    const odomFromBase = this.#transforms.odomFromBaseAt(stampNs, tolerance);
    this.#broadcaster.update(ofBase, odomFromBase, store.get('transform_tolerance'));
  }

  async #finish(decision: Decision, recognition: RecognizedFrame): Promise<void> {
    await this.#mapper?.consider(recognition);
    if (!this.#parts.session.outputs.wantsDebugImage) return;
    try {
      await this.#publishDebugImage(decision, recognition);
      this.#pictureProblem = null;
    } catch (error) {
      const problem = describeError(error);
      if (problem !== this.#pictureProblem) this.#parts.node.logger.warn(`Debug image: ${problem}`);
      this.#pictureProblem = problem;
    }
  }

  async #publishDebugImage(decision: Decision, { stampNs, frameId, matches }: RecognizedFrame): Promise<void> {
    const { engine, outputs } = this.#parts.session;
    const { title, shown } = describeDebugImage(decision, matches);
    const jpeg = await engine.renderMatches(title, shown);
    if (jpeg !== null) outputs.publishDebugImage({ stamp: toRosTime(stampNs), frame_id: frameId }, jpeg);
  }

  #createMapper(): Mapper {
    const { store, session } = this.#parts;
    return new Mapper({
      engine: session.engine,
      sequence: store.get('mapping.sequence') || new Date().toISOString(),
      thresholds: () => ({
        distanceM: store.get('mapping.keyframe_distance'),
        turnRad: (store.get('mapping.keyframe_turn') * Math.PI) / 180,
        similarity: store.get('mapping.novelty'),
      }),
      positionAt: (stampNs, cameraFrame) => this.#positionAt(stampNs, cameraFrame),
      odometryAt: (stampNs) => this.#motion.odometry.at(stampNs, store.get('odometry_tolerance')),
      createLoopClosureDetector: () => this.#createLoopClosureDetector(),
      newestPlace: session.places.at(-1)?.id ?? 0,
      onPlace: (place) => {
        session.addPlace(place);
      },
      onOldPlaces: (count) => {
        session.admit(count);
      },
      onLoopClosure: (closure) => {
        session.outputs.publishLoopClosure(closure);
      },
    });
  }

  #createLoopClosureDetector(): LoopClosureDetector {
    const { store, session } = this.#parts;
    return new LoopClosureDetector(
      {
        minTimeS: store.get('mapping.loop_min_time'),
        minTravelM: store.get('mapping.loop_min_travel'),
        minKeyframes: store.get('mapping.loop_min_keyframes'),
        requireEvidence: store.get('mapping.loop_require_evidence'),
      },
      session.calibration,
    );
  }

  #positionAt(stampNs: bigint, cameraFrame: string): FramePosition {
    const { store, session } = this.#parts;
    const tolerance = store.get('odometry_tolerance');
    const odometry = this.#motion.odometry.at(stampNs, tolerance);
    const source = store.get('mapping.geotag');
    if (source === 'fix') {
      const fix = this.#motion.fixAt(stampNs, tolerance);
      if (fix === null) return { motion: odometry, local: null, geo: null, sigmaM: null };
      const sigmaM = Math.sqrt((fix.covariance[0] + fix.covariance[3]) / 2);
      const enu = toEnu(session.datum ?? createDatum({ ...fix.geo, altM: 0 }), fix.geo);
      const moved = session.datum === null ? null : { ...enu, qx: NaN, qy: NaN, qz: NaN, qw: NaN };
      return { motion: odometry ?? moved, local: null, geo: fix.geo, sigmaM };
    }
    const base = source === 'pose' ? this.#motion.mappingPose.at(stampNs, tolerance) : odometry;
    const extrinsics = this.#extrinsicsOf(cameraFrame);
    const local = base !== null && extrinsics ? composePoses(base, invertPose(extrinsics)) : base;
    return { motion: odometry ?? base, local, geo: null, sigmaM: null };
  }

  #extrinsicsFindings(): readonly Finding[] {
    if (!this.#extrinsicsMissing) return [];
    const base = this.#parts.store.get('base_frame');
    const text = `No transform ${base} -> ${this.image.frameId} in /tf_static: ~/pose is silent. Publish the camera's place on the robot (robot_state_publisher or static_transform_publisher), or set base_frame to ''.`;
    return [{ id: 'tf-missing', level: 'error', text }];
  }
}

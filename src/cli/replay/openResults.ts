/** @file Puts together what writes a replay's results. */
import type { BagSource } from '../../bags/BagSource.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import type { OpenedInputs } from '../../evaluation/replay/openInputs.ts';
import type { ReplayInputs } from '../../evaluation/replay/replayBag.ts';
import type { EngineFacts, RecognitionEngine } from '../../recognition/RecognitionEngine.ts';
import { MapOdomCorrection } from '../../ros/MapOdomCorrection.ts';
import type { ParameterValues } from '../../ros/parameters.ts';
import { chooseCopiedTopics, InputCopy } from './InputCopy.ts';
import { ReplayStatus } from './ReplayStatus.ts';
import { ResultsRecording, type CorrectionSource } from './ResultsRecording.ts';

export interface ResultsSettings {
  readonly bag: BagSource;
  readonly facts: EngineFacts;
  /** Draws the debug images; null = there are none. */
  readonly painter: Pick<RecognitionEngine, 'renderMatches'> | null;
  readonly values: ParameterValues;
  readonly opened: OpenedInputs;
  readonly radiusM: number;
  readonly withInputs: boolean;
  readonly onProblem: (problem: DatasetProblem) => void;
}

export function openResults(path: string, settings: ResultsSettings): Promise<ResultsRecording> {
  const { bag, facts, painter, values, opened, radiusM, withInputs, onProblem } = settings;
  const { map, model } = facts;
  const { inputs, image, frames } = opened;
  const frame = values.map_frame || map.frame;
  const messages = { frame, mapId: map.id, modelId: model.sha256, datum: inputs.datum };
  return ResultsRecording.create(path, {
    ...{ messages, frames, baseFrame: values.base_frame },
    status: new ReplayStatus({
      ...{ facts, imageTopic: image.name, messages },
      ...{ radiusM, windowFrames: values.ground_truth_window },
    }),
    painter,
    tf: values.publish_tf ? createCorrectionSource(inputs, frame, values) : null,
    inputs: withInputs ? new InputCopy(bag, chooseCopiedTopics(bag, opened), onProblem) : null,
  });
}

/** The odometry topic stands for the transform odom -> base, where it is of these frames; null where it is not. */
function createCorrectionSource(inputs: ReplayInputs, map: string, values: ParameterValues): CorrectionSource | null {
  const { odometry, toleranceNs } = inputs;
  const { odom_frame: odom, base_frame: base } = values;
  const [first] = odometry?.samples ?? [];
  if (odometry === null || first?.frameId !== odom || first.bodyFrameId !== base) return null;
  return {
    correction: new MapOdomCorrection({ map, odom }),
    odomFromBaseAt: (stampNs) => odometry.within(stampNs, toleranceNs)?.pose ?? null,
    toleranceS: values.transform_tolerance,
  };
}

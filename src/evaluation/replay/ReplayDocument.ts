/** @file What a replay finds out: report.json (docs/recordings.md). The same recording, map and settings give the same bytes. */
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import type { EvaluationDocument, PositionErrors } from '../EvaluationDocument.ts';

export interface ReplayDocument {
  readonly format: 1;
  readonly toolVersion: string;
  readonly recording: {
    readonly path: string;
    readonly description: string;
    readonly imageTopic: string;
    readonly odometryTopic: string | null;
    readonly fixTopic: string | null;
    readonly groundTruth: string | null;
  };
  readonly model: { readonly name: string; readonly sha256: string };
  readonly map: { readonly path: string; readonly id: string; readonly places: number };
  /** The node's parameters that the run went by. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly frames: FrameCounts;
  /** From the first image to the first located one; null = never. */
  readonly firstLocatedS: number | null;
  /** Of the located poses whose true position is known. */
  readonly locatedErrorM: PositionErrors | null;
  /** Share of those inside of the 95 % ellipse of the covariance that came with the pose. */
  readonly insideEllipse95: number | null;
  /** Retrieval and acceptance against the truth; null without truth. */
  readonly evaluation: Omit<
    EvaluationDocument,
    | 'format'
    | 'toolVersion'
    | 'model'
    | 'map'
    | 'querySource'
    | 'skipped'
    | 'msPerQuery'
    | 'states'
    | 'insideEllipse95'
    | 'firstLocated'
  > | null;
  /** Parts of the recording that could not be read. */
  readonly problems: readonly DatasetProblem[];
}

export interface FrameCounts {
  /** In the recording. */
  readonly images: number;
  readonly processed: number;
  /** Could not be used, by the kind of problem. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Overtaken; only in a paced run. */
  readonly dropped: number;
  readonly located: number;
  readonly uncertain: number;
  readonly lost: number;
  readonly offMap: number;
}

/** timings.json: what differs from run to run. */
export interface ReplayTimings {
  readonly wallS: number;
  readonly framesPerSecond: number;
  /** Of the recording; null in a run as fast as it goes. */
  readonly speed: number | null;
  /** Images under way at once: where there are several, their stages wait for each other, and that is counted. */
  readonly imagesAtOnce: number;
  /** Milliseconds; `latency` (image to result) in a paced run only. */
  readonly stages: readonly {
    readonly stage: string;
    readonly median: number;
    readonly p90: number;
    readonly p99: number;
  }[];
}

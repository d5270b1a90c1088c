/** @file The report of a replay with its pictures: map, model and recording are looked into once more for the few that are shown. */
import type { BagSource } from '../../bags/BagSource.ts';
import { chooseGallery } from '../../evaluation/report/chooseGallery.ts';
import { GALLERY_SIZE } from '../../evaluation/report/createReportDocument.ts';
import { createMatchExplainer, type MatchExplainer } from '../../evaluation/report/explainMatch.ts';
import type { ReplayCriterion, ReplayJudgement } from '../../evaluation/replay/judgeReplay.ts';
import type { OpenedInputs } from '../../evaluation/replay/openInputs.ts';
import type { ReplayTimings } from '../../evaluation/replay/ReplayDocument.ts';
import type { ReplayFrame } from '../../evaluation/replay/ReplayFrame.ts';
import { readReplayPictures } from '../../evaluation/replay/replayPictures.ts';
import { writeReplay } from '../../evaluation/replay/writeReplay.ts';
import type { OnnxDescriptorModel } from '../../inference/OnnxDescriptorModel.ts';
import { MapVerifier } from '../../map/MapVerifier.ts';
import { PlaceMap } from '../../map/PlaceMap.ts';
import type { EngineFacts } from '../../recognition/RecognitionEngine.ts';

export interface ReplayRunResults {
  readonly bag: BagSource;
  readonly map: EngineFacts['map'];
  readonly opened: OpenedInputs;
  readonly frames: readonly ReplayFrame[];
  readonly judgement: ReplayJudgement;
  readonly timings: ReplayTimings;
  /** Null = nothing was judged. */
  readonly criterion: ReplayCriterion | null;
  readonly verifyTopK: number;
  readonly openModel: () => Promise<OnnxDescriptorModel>;
}

export async function writeReplayReport(folder: string, run: ReplayRunResults): Promise<void> {
  const { bag, opened, frames, judgement, timings } = run;
  const chosen = chooseGallery(judgement.evaluation?.perQuery ?? [], GALLERY_SIZE);
  const map = PlaceMap.open(run.map.path);
  try {
    const pictures = await withExplainer(map, run, (explain) => {
      const criterion = run.criterion ?? { kind: 'frames', frames: 0 };
      const processed = frames.filter((frame) => frame.kind === 'processed');
      const sources = { bag, imageTopic: opened.image.name, map, frames: processed, criterion, explain };
      return readReplayPictures(sources, [...chosen.failures, ...chosen.successes]);
    });
    await writeReplay(folder, { judgement, frames, timings, places: run.map.places, pictures });
  } finally {
    map.close();
  }
}

/** Where matches were verified, the pictures show by what. */
async function withExplainer<T>(
  map: PlaceMap,
  { verifyTopK, openModel }: ReplayRunResults,
  work: (explain: MatchExplainer | null) => Promise<T>,
): Promise<T> {
  const verifier = await MapVerifier.open(map, verifyTopK);
  if (verifier === null) return work(null);
  try {
    const model = await openModel();
    try {
      return await work(createMatchExplainer(model, map, verifier));
    } finally {
      await model.dispose();
    }
  } finally {
    await verifier.dispose();
  }
}

/** @file The folder of a replay's report. */
import { join } from 'node:path';
import type { Pose } from '../../geo/Pose.ts';
import { writeFileAtomically } from '../../writeFileAtomically.ts';
import { renderReport } from '../report/renderReport.ts';
import { createReplayReport, type ReplayReportInput } from './createReplayReport.ts';
import { formatFramesCsv } from './framesCsv.ts';
import type { ReplayFrame } from './ReplayFrame.ts';
import { formatTum } from './trajectoryFile.ts';

/** What `writeReplay` writes. */
export const REPORT_FILES = [
  ...(['report.html', 'report.json', 'timings.json'] as const),
  ...(['frames.csv', 'trajectory.tum', 'truth.tum'] as const),
] as const;
type ReportFile = (typeof REPORT_FILES)[number];

/** JSON with one member a line; NaN becomes null. */
function toJsonFile(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Writes report.html, report.json, frames.csv, trajectory.tum (located poses), truth.tum (true poses at the same stamps)
 * and timings.json. All but report.html and timings.json are the same for the same run.
 */
export async function writeReplay(folder: string, input: ReplayReportInput): Promise<void> {
  const { judgement, frames, timings } = input;
  const write = (name: ReportFile, content: string): Promise<void> => writeFileAtomically(join(folder, name), content);
  await write('report.json', toJsonFile(judgement.document));
  await write('frames.csv', formatFramesCsv(frames, judgement.evaluation?.perQuery ?? null));
  await write('trajectory.tum', formatTum(locatedPoses(frames)));
  if (judgement.document.recording.groundTruth !== null) await write('truth.tum', formatTum(truePoses(frames)));
  await write('timings.json', toJsonFile(timings));
  await write('report.html', renderReport(await createReplayReport(input)));
}

function locatedPoses(frames: readonly ReplayFrame[]): { stampNs: bigint; pose: Pose }[] {
  return frames.flatMap((frame) => {
    if (frame.kind !== 'processed' || frame.decision.state !== 'located' || frame.decision.pose === null) return [];
    return [{ stampNs: frame.stampNs, pose: frame.decision.pose }];
  });
}

function truePoses(frames: readonly ReplayFrame[]): { stampNs: bigint; pose: Pose }[] {
  return frames.flatMap(({ stampNs, truth }) => (truth === null ? [] : [{ stampNs, pose: truth }]));
}

/** @file The same frames decided in this process: what the node's answers are compared with. */
import assert from 'node:assert/strict';
import type { CameraFrame } from '../../../src/image/CameraFrame.ts';
import { createLocalizer } from '../../../src/localization/createLocalizer.ts';
import type { Decision } from '../../../src/localization/Localizer.ts';
import { openEngine } from '../../../src/recognition/openEngine.ts';
import type { PaintedTown } from './paintedTown.ts';
import type { Message } from './RosPeer.ts';

export const FRAME = 'camera_optical_frame';

/** Stamps with odd nanoseconds: what comes back must be the same to the last of them. */
export function stampOf(i: number): { readonly sec: number; readonly nanosec: number } {
  return { sec: 1_700_000_000 + i, nanosec: 123_456_789 + i };
}

export function stampNsOf(i: number): bigint {
  const { sec, nanosec } = stampOf(i);
  return BigInt(sec) * 1_000_000_000n + BigInt(nanosec);
}

export function secondOf({ header }: Message): number {
  return (header as { readonly stamp: { readonly sec: number } }).stamp.sec;
}

export function headerOf(i: number): Message {
  return { stamp: stampOf(i), frame_id: FRAME };
}

/** The decisions of the same frames, one by one, in this process. */
export async function decideOffline(
  parameters: PaintedTown['parameters'],
  frames: readonly CameraFrame[],
): Promise<readonly Decision[]> {
  const { model, map } = parameters;
  const engine = await openEngine({
    ...{ model, map, providers: ['cpu'], threads: 0, index: 'auto', verifyTopK: 0, createMap: false },
  });
  const { places, datum } = engine.facts.map;
  const localizer = createLocalizer({ places, datum, calibration: null, options: { sequence: false } });
  const decisions: Decision[] = [];
  for (const frame of frames) {
    const recognition = await engine.recognize(frame, 20);
    assert.ok(recognition.kind === 'recognized');
    const { stampNs, matches } = recognition;
    decisions.push(localizer.process({ stampNs, matches, odometry: null, fix: null }));
  }
  await engine.dispose();
  return decisions;
}

/** What of a hypotheses message must be the same on both ways; numbers as float32 carries them. */
export function essence(message: Message): unknown {
  const hypotheses = message.hypotheses as readonly Message[];
  return {
    state: message.state,
    confidence: Math.fround(message.confidence as number),
    hypotheses: hypotheses.map(({ place_id, image, similarity, probability }) => ({
      place: Number(place_id),
      image,
      similarity: Math.fround(similarity as number),
      probability: Math.fround(probability as number),
    })),
  };
}

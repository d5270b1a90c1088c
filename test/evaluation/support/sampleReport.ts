/** @file A report document with something in every part, from a made-up drive around a block. */
import { encodeJpeg } from '../../../src/image/encode.ts';
import type { GalleryItem, ReportDocument } from '../../../src/evaluation/report/ReportDocument.ts';
import type { LocalizationState } from '../../../src/localization/Localizer.ts';
import { createRandom } from '../../../src/math/random.ts';

const WIDTH = 96;
const HEIGHT = 72;

/** A gradient whose hue says which place it is. */
async function picture(place: number): Promise<Uint8Array> {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    data.set([(place * 37) % 256, (x * 255) / WIDTH, (y * 255) / HEIGHT], i * 3);
  }
  return encodeJpeg({ data, width: WIDTH, height: HEIGHT });
}

async function galleryItem(place: number, isCorrect: boolean): Promise<GalleryItem> {
  const bytes = await picture(place);
  const matches = await Promise.all(
    [0, 1, 2].map(async (rank) => ({
      bytes: await picture(place + (isCorrect ? rank : rank + 3)),
      name: `day/image_${place + rank}.jpg`,
      caption: `similarity ${(0.9 - rank * 0.05).toFixed(2)} · ${isCorrect ? 2 + rank : 40 + rank} m`,
      isCorrect,
      inliers:
        rank === 0 && isCorrect
          ? ([
              [0.2, 0.3, 0.25, 0.3],
              [0.7, 0.8, 0.72, 0.75],
            ] as const)
          : null,
    })),
  );
  const nearestTrue = isCorrect ? null : { bytes, name: `day/image_${place}.jpg`, caption: 'similarity 0.61 · 1.2 m' };
  return { query: { bytes, name: `night/image_${place}.jpg`, caption: 'located, 97 %' }, matches, nearestTrue };
}

const STATES: readonly LocalizationState[] = ['located', 'located', 'located', 'uncertain', 'lost', 'off_map'];

export async function sampleReport(): Promise<ReportDocument> {
  const random = createRandom(3);
  const frames = Array.from({ length: 240 }, (_, i) => {
    const angle = (i / 240) * 2 * Math.PI;
    const state = STATES[i % 40 < 30 ? 0 : i % STATES.length]!;
    const spread = state === 'located' ? 1.5 : 12;
    const [x, y] = [60 * Math.cos(angle), 35 * Math.sin(angle)];
    const estimate = { x: x + spread * random.normal(), y: y + spread * random.normal() };
    return { x, y, state, estimate, label: `frame ${i}`, errorM: Math.hypot(estimate.x - x, estimate.y - y) };
  });
  const recall = [1, 5, 10, 20].map((n, i) => {
    const value = [0.81, 0.9, 0.94, 0.97][i]!;
    return { n, recall: value, interval95: { low: value - 0.05, high: value + 0.02 }, chance: n / 400 };
  });
  const curve = Array.from({ length: 60 }, (_, i) => ({
    ...{ threshold: 1 - i / 80, accepted: (i + 1) / 60, precision: 1 - 0.25 * (i / 60) ** 3 },
  }));
  return {
    title: 'Replay of night.mcap',
    subtitle: '240 frames against day.vprmap (400 places), truth from /ground_truth',
    headline: [
      { label: 'recall@1', value: '81.0 %', detail: 'chance 0.3 %' },
      { label: 'median position error', value: '1.9 m', detail: '90 % below 14.0 m' },
      { label: 'located', value: '78.3 %', detail: '99.2 % of them right' },
      { label: 'calibration error', value: '0.031', detail: 'expected, over 10 bins' },
      { label: 'frames', value: '240', detail: '3 unusable, 0 dropped' },
    ],
    recall: { note: '236 queries with a true match within 25 m.', points: recall },
    acceptance: [
      { by: 'similarity', points: curve.map((point) => ({ ...point, precision: point.precision ** 2 })) },
      { by: 'confidence', points: curve },
    ],
    reliability: {
      ece: 0.031,
      bins: Array.from({ length: 10 }, (_, i) => ({
        ...{ from: i / 10, to: (i + 1) / 10, count: i === 2 ? 0 : 4 + i * i },
        ...{ confidence: (i + 0.5) / 10, accuracy: Math.min(1, (i + 0.9) / 10.5) },
      })),
    },
    errors: frames.map(({ errorM, state, label }, i) => ({ seconds: i / 2, errorM, state, label })),
    trajectory: {
      places: frames.map(({ x, y }) => ({ x: x + random.normal(), y: y + random.normal() })),
      truth: frames,
      estimates: frames.map(({ estimate, state, label }) => ({ ...estimate, state, label })),
    },
    timings: ['decode', 'describe', 'search', 'verify', 'localize'].map((stage, i) => ({
      ...{ stage, medianMs: [3, 41, 0.8, 6, 0.2][i]!, p90Ms: [4, 47, 1.1, 9, 0.3][i]!, p99Ms: [7, 60, 2, 12, 0.9][i]! },
    })),
    losses: [{ reason: 'corrupt: the codec refuses it', count: 3, examples: ['/camera@1700000012000000000'] }],
    failures: [await galleryItem(4, false), await galleryItem(90, false)],
    successes: [await galleryItem(12, true), await galleryItem(150, true)],
    facts: [
      {
        title: 'Map',
        rows: [
          ['path', 'day.vprmap'],
          ['id', '0b54b7c0-8f5e-4f7d-a0d3-3f1f0d6a3f11'],
          ['places', '400'],
        ],
      },
      {
        title: 'Model',
        rows: [
          ['name', 'netvlad-mobilenet'],
          ['sha256', 'c0ffee'.repeat(10) + 'abcd'],
        ],
      },
      {
        title: 'Localizer',
        rows: [
          ['accept_probability', '0.95'],
          ['max_speed', '15 m/s'],
        ],
      },
    ],
  };
}

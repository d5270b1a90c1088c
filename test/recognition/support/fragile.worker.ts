/** @file A worker whose engine breaks on request: the frame's format says how. */
import { writeFileSync } from 'node:fs';
import { NetvladError } from '../../../src/errors.ts';
import type { Recognition } from '../../../src/recognition/PlaceRecognizer.ts';
import type { EngineConfig, RecognitionEngine } from '../../../src/recognition/RecognitionEngine.ts';
import { serveEngine } from '../../../src/recognition/serveEngine.ts';

/** Of a descriptor that grows until the worker's heap limit ends it. */
const hoard: unknown[][] = [];

const BREAKAGES: Readonly<Record<string, () => void>> = {
  'a crash': () => process.kill(process.pid, 'SIGSEGV'),
  exit: () => process.exit(7),
  throw: () => {
    setImmediate(() => {
      throw new Error('a stray exception');
    });
  },
  'out of memory': () => {
    for (;;) hoard.push(new Array(100_000).fill({}));
  },
};

async function openFragileEngine(config: EngineConfig): Promise<RecognitionEngine> {
  if (config.map === 'missing.vprmap') {
    throw new NetvladError('map', 'Map missing.vprmap does not exist.', { hint: 'Build one.', details: { places: 0 } });
  }
  const engine: RecognitionEngine = {
    facts: {
      model: { name: 'fragile', sha256: '0'.repeat(64), dimension: 2, provider: 'cpu', providerProblem: null },
      map: {
        path: config.map,
        id: 'a map',
        frame: 'map',
        datum: null,
        calibration: null,
        places: [],
        hasLocalFeatures: false,
      },
    },
    recognize: async (frame, k): Promise<Recognition> => {
      if (frame.kind === 'compressed' && frame.format in BREAKAGES) {
        BREAKAGES[frame.format]!();
        await new Promise(() => undefined);
      }
      return {
        kind: 'recognized',
        stampNs: frame.stampNs,
        frameId: frame.frameId,
        descriptor: Float32Array.of(frame.data.length, k),
        matches: [{ place: frame.data[0]!, similarity: 1, evidence: NaN }],
        quality: { brightness: 0, contrast: 0, sharpness: 0 },
        timings: { decodeMs: 0, describeMs: 0, searchMs: 0, verifyMs: 0 },
      };
    },
    addPlace: () => Promise.reject(new NetvladError('map', 'The disk is full.')),
    saveMap: () => Promise.resolve(3),
    renderMatches: () => Promise.resolve(null),
    dispose: async () => {
      if (config.map !== 'large.vprmap') return;
      await new Promise((resolve) => setTimeout(resolve, 200)); // as sealing takes its time
      writeFileSync(config.model, 'sealed');
    },
  };
  return Promise.resolve(engine);
}

serveEngine(openFragileEngine);

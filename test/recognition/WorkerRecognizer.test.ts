/** @file The proxy behaves as its engine does, and outlives its worker. Real processes, an engine that breaks on request. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { NetvladError } from '../../src/errors.ts';
import type { CameraFrame } from '../../src/image/CameraFrame.ts';
import type { EngineConfig, FrameGeotag } from '../../src/recognition/RecognitionEngine.ts';
import { WorkerRecognizer, type WorkerState } from '../../src/recognition/WorkerRecognizer.ts';

const CONFIG: EngineConfig = {
  model: 'model.json',
  map: 'city.vprmap',
  providers: ['cpu'],
  threads: 1,
  index: 'exact',
  verifyTopK: 0,
  createMap: false,
};

/** Little memory, so that it is soon used up; what Node.js says of that is not for the test's output. */
function createFragileWorker(): ChildProcess {
  return fork(fileURLToPath(new URL('./support/fragile.worker.js', import.meta.url)), {
    serialization: 'advanced',
    execArgv: ['--max-old-space-size=16'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/** Opens a recognizer that records its states; `reached` resolves at the next state of a kind. */
async function openFragile(
  config: Partial<EngineConfig> = {},
  signal?: AbortSignal,
): Promise<{
  readonly recognizer: WorkerRecognizer;
  readonly states: WorkerState[];
  readonly reached: (kind: WorkerState['kind']) => Promise<WorkerState>;
}> {
  const states: WorkerState[] = [];
  const waiting: { readonly kind: WorkerState['kind']; readonly resolve: (state: WorkerState) => void }[] = [];
  const recognizer = await WorkerRecognizer.open(
    { ...CONFIG, ...config },
    {
      createWorker: createFragileWorker,
      ...(signal === undefined ? {} : { signal }),
      backOff: { firstMs: 5, longestMs: 20 },
      onState: (state) => {
        states.push(state);
        for (const { kind, resolve } of waiting) if (kind === state.kind) resolve(state);
      },
    },
  );
  return {
    recognizer,
    states,
    reached: (kind) =>
      new Promise((resolve) => {
        waiting.push({ kind, resolve });
      }),
  };
}

function frame(data: Uint8Array, format = 'jpeg'): CameraFrame {
  return { kind: 'compressed', stampNs: 5n, frameId: 'camera', format, data };
}

describe('WorkerRecognizer', () => {
  it('recognizes across the processes', async () => {
    const { recognizer } = await openFragile();
    const pool = Uint8Array.of(1, 9, 8, 7, 1);
    const result = await recognizer.recognize(frame(pool.subarray(1, 4)), 4);
    assert.ok(result.kind === 'recognized');
    assert.equal(result.stampNs, 5n);
    assert.ok(result.descriptor instanceof Float32Array);
    assert.deepEqual([...result.descriptor], [3, 4]);
    assert.deepEqual(result.matches, [{ place: 9, similarity: 1, evidence: NaN }]);
    assert.equal(await recognizer.saveMap(), 3);
    await recognizer.dispose();
  });

  it("opens or rejects with the engine's own error, hint and details included", async () => {
    await assert.rejects(openFragile({ map: 'missing.vprmap' }), (error) => {
      assert.ok(error instanceof NetvladError);
      assert.deepEqual(
        [error.code, error.message, error.hint, error.details],
        ['map', 'Map missing.vprmap does not exist.', 'Build one.', { places: 0 }],
      );
      return true;
    });
  });

  it('passes on the error of a single call and lives on', async () => {
    const { recognizer, states } = await openFragile();
    const geotag: FrameGeotag = {
      name: 'image@5',
      role: null,
      place: null,
      geo: null,
      local: { x: 1, y: 2, z: 0 },
      yawRad: null,
      orientation: null,
      positionSigmaM: null,
      stampNs: 5n,
      sequence: null,
      frame: null,
      condition: null,
    };
    await assert.rejects(recognizer.addPlace(geotag), { code: 'map', message: 'The disk is full.' });
    assert.equal((await recognizer.recognize(frame(Uint8Array.of(1)), 1)).kind, 'recognized');
    assert.deepEqual(states, [{ kind: 'ready', restarts: 0 }]);
    await recognizer.dispose();
  });

  for (const [breakage, reason] of [
    ['exit', /exit code 7/],
    ['throw', /a stray exception/],
    ['a crash', /ended by SIGSEGV/],
    ['out of memory', /aborted \(SIGABRT\), as Node\.js does when its memory is used up/],
  ] as const) {
    it(`loses the frame and starts anew when the worker dies: ${breakage}`, async () => {
      const { recognizer, reached } = await openFragile();
      const restarting = reached('restarting');
      await assert.rejects(recognizer.recognize(frame(Uint8Array.of(1), breakage), 1), /The recognition worker died/);
      const state = await restarting;
      assert.ok(state.kind === 'restarting');
      assert.match(state.reason, reason);
      await assert.rejects(recognizer.recognize(frame(Uint8Array.of(1)), 1), /is restarting after/);
      assert.deepEqual(await reached('ready'), { kind: 'ready', restarts: 1 });
      assert.equal((await recognizer.recognize(frame(Uint8Array.of(2)), 1)).kind, 'recognized');
      await recognizer.dispose();
    });
  }

  it('gives up opening when it is told to', async () => {
    const abort = new AbortController();
    const opening = openFragile({}, abort.signal);
    abort.abort();
    await assert.rejects(opening, /The recognition worker died/);
    await assert.rejects(openFragile({}, AbortSignal.abort()), { name: 'AbortError' });
  });

  for (const delayMs of [0, 30, 60, 90, 120]) {
    it(`stays closed when it is disposed of while it restarts (${delayMs} ms after the death)`, async () => {
      const { recognizer, states, reached } = await openFragile();
      const restarting = reached('restarting');
      await assert.rejects(recognizer.recognize(frame(Uint8Array.of(1), 'exit'), 1));
      await restarting;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await recognizer.dispose();
      const told = states.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.deepEqual(states.slice(told - 1), [{ kind: 'closed' }]);
    });
  }

  it('finishes closing its files when the parent is gone before that', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'worker-'));
    const sealed = path.join(folder, 'sealed');
    const worker = createFragileWorker();
    worker.send({ id: 1, call: 'open', args: [{ ...CONFIG, map: 'large.vprmap', model: sealed }] });
    await once(worker, 'message');
    worker.send({ id: 2, call: 'close', args: [] });
    await new Promise((resolve) => setTimeout(resolve, 50));
    worker.disconnect();
    await once(worker, 'exit');
    assert.equal(await readFile(sealed, 'utf8'), 'sealed');
    await rm(folder, { recursive: true });
  });

  it('rejects what is under way and what comes after dispose()', async () => {
    const { recognizer, states } = await openFragile();
    await recognizer.dispose();
    await assert.rejects(recognizer.recognize(frame(Uint8Array.of(1)), 1), /is closed/);
    assert.deepEqual(states.at(-1), { kind: 'closed' });
  });
});

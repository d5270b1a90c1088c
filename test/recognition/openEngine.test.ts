/** @file Model, map and search as one engine, in this thread and behind the worker: the same answers; grown maps equal built ones. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GeotaggedImage, GeotaggedImageSource } from '../../src/datasets/GeotaggedImage.ts';
import { NetvladError } from '../../src/errors.ts';
import { encodeJpeg } from '../../src/image/encode.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';
import { loadModel } from '../../src/inference/loadModel.ts';
import { buildMap } from '../../src/map/buildMap.ts';
import { assertWritable } from '../../src/map/mapFile.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { EnginePool, planPool } from '../../src/recognition/EnginePool.ts';
import { openEngine } from '../../src/recognition/openEngine.ts';
import type { Recognition } from '../../src/recognition/PlaceRecognizer.ts';
import type { EngineConfig, FrameGeotag } from '../../src/recognition/RecognitionEngine.ts';
import { WorkerRecognizer } from '../../src/recognition/WorkerRecognizer.ts';
import { paintPlace } from '../support/paintPlace.ts';
import { writeTinyModel } from '../support/tinyModel.ts';

const COUNT = 8;

async function toGeotagged(seed: number): Promise<GeotaggedImage> {
  const data = await encodeJpeg(paintPlace(seed), 95);
  const stampNs = BigInt(seed) * 1_000_000_000n;
  return {
    name: `camera@${stampNs}`,
    content: { kind: 'frame', frame: { kind: 'compressed', stampNs, frameId: 'camera', format: 'jpeg', data } },
    role: null,
    place: null,
    geo: { latDeg: 48 + seed * 1e-4, lonDeg: 11, altM: NaN },
    local: null,
    yawRad: 0.1 * seed,
    orientation: null,
    positionSigmaM: 1,
    stampNs,
    sequence: 'drive',
    frame: seed,
    condition: null,
  };
}

function toSource(images: readonly GeotaggedImage[]): GeotaggedImageSource {
  return {
    description: 'painted places',
    count: images.length,
    async *[Symbol.asyncIterator]() {
      yield* images;
      await Promise.resolve();
    },
  };
}

function frameOf({ content }: GeotaggedImage): Extract<GeotaggedImage['content'], { kind: 'frame' }>['frame'] {
  assert.ok(content.kind === 'frame');
  return { ...content.frame, data: content.frame.data.slice() };
}

describe('recognition engine', () => {
  let folder: string;
  let config: EngineConfig;
  let images: readonly GeotaggedImage[];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'engine-'));
    const model = await writeTinyModel({ folder });
    const map = path.join(folder, 'built.vprmap');
    images = await Promise.all(Array.from({ length: COUNT }, (_, i) => toGeotagged(i + 1)));
    const loaded = await loadModel(model);
    await buildMap(toSource(images), loaded, { out: map });
    await loaded.dispose();
    config = {
      ...{ model, map, providers: ['cpu'], threads: 1, index: 'exact', verifyTopK: 0, createMap: false },
    } satisfies EngineConfig;
  });

  after(() => rm(folder, { recursive: true }));

  it('finds each place by its own image, first in this thread and then identically behind the worker', async () => {
    const local = await openEngine(config);
    const worker = await WorkerRecognizer.open(config);
    assert.deepEqual(worker.facts, local.facts);
    for (const [i, image] of images.entries()) {
      const here = await local.recognize(frameOf(image), 3);
      const there = await worker.recognize(frameOf(image), 3);
      assert.ok(here.kind === 'recognized' && there.kind === 'recognized');
      assert.equal(here.matches[0]!.place, local.facts.map.places[i]!.id);
      assert.ok(here.matches[0]!.similarity > 0.999);
      assert.deepEqual(there.matches, here.matches);
      assert.deepEqual(there.descriptor, here.descriptor);
    }
    await local.dispose();
    await worker.dispose();
  });

  it('answers many frames at once from a pool of engines, each as one engine does', async () => {
    const local = await openEngine(config);
    const pool = await EnginePool.open(config, { engines: 3, threads: 1 });
    assert.deepEqual(pool.facts, local.facts);
    for (let i = 0; pool.engines < 3; i++) await pool.recognize(frameOf(images[i % COUNT]!), 3); // the others open meanwhile
    const asked = [...images, ...images, ...images];
    const cut = { ...frameOf(images[0]!), data: frameOf(images[0]!).data.subarray(0, 200) };
    const answers = await Promise.all([cut, ...asked.map(frameOf)].map((frame) => pool.recognize(frame, 3)));
    assert.equal(answers.shift()!.kind, 'rejected');
    for (const [i, image] of asked.entries()) {
      const [here, there] = [await local.recognize(frameOf(image), 3), answers[i]!];
      assert.ok(here.kind === 'recognized' && there.kind === 'recognized');
      assert.deepEqual([there.stampNs, there.matches], [here.stampNs, here.matches]);
      assert.deepEqual(there.descriptor, here.descriptor);
    }
    await local.dispose();
    await pool.dispose();
    await assert.rejects(pool.recognize(frameOf(images[0]!), 3), /A recognition thread cannot go on: it has ended/);
  });

  it('gives a pool the pixels of a frame, and nothing else that lies in their buffer', async () => {
    const pool = await EnginePool.open(config, { engines: 1, threads: 1 });
    const { data, ...frame } = frameOf(images[0]!);
    const chunk = Uint8Array.of(7, 7, ...data, 7, 7); // as a message lies in a chunk of a recording
    const found = await pool.recognize({ ...frame, data: chunk.subarray(2, -2) }, 3);
    await pool.dispose();
    assert.ok(found.kind === 'recognized' && found.matches[0]!.similarity > 0.999);
    assert.deepEqual([...chunk.subarray(2, -2)], [...data], 'the chunk is still whole');
  });

  it('uses the memory of a frame again once it is answered, and not before', async () => {
    const pool = await EnginePool.open(config, { engines: 1, threads: 1 });
    const memory = new Set<ArrayBufferLike>();
    const pictures = images.map((_image, i) => paintPlace(i + 1));
    const recognize = ({ data: pixels, width, height }: RgbImage): Promise<Recognition> => {
      const data = pool.copyPixels(pixels);
      memory.add(data.buffer);
      const layout = { width, height, encoding: 'rgb8', step: 3 * width, isBigEndian: false };
      return pool.recognize({ kind: 'raw', stampNs: 0n, frameId: '', ...layout, data }, 1);
    };
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(pictures.map(recognize));
      assert.deepEqual(
        answers.map((answer) => answer.kind === 'recognized' && answer.matches[0]!.place),
        pool.facts.map.places.map(({ id }) => id),
      );
    }
    await pool.dispose();
    assert.equal(memory.size, COUNT, 'as many as were ever under way at once');
  });

  it("opens a pool or rejects with an engine's own error", async () => {
    await assert.rejects(EnginePool.open({ ...config, map: path.join(folder, 'none.vprmap') }), (error) => {
      assert.ok(error instanceof NetvladError);
      assert.deepEqual([error.code, error.message.includes('none.vprmap does not exist')], ['map', true]);
      return true;
    });
  });

  it('plans a pool: every core has work, no more than two engines', () => {
    const plans = [[1, 0], [2, 0], [4, 0], [6, 0], [16, 0], [16, 2], [16, 8], [2, 4]] as const; // prettier-ignore
    assert.deepEqual(
      plans.map(([cores, threads]) => planPool(cores, threads)),
      [[1, 1], [2, 1], [2, 2], [2, 3], [2, 8], [2, 2], [2, 8], [1, 4]].map(([engines, threads]) => ({ engines, threads })), // prettier-ignore
    );
  });

  it('answers a frame that cannot be used with the reason', async () => {
    const engine = await openEngine(config);
    const good = frameOf(images[0]!);
    const result = await engine.recognize({ ...good, data: good.data.subarray(0, 200) }, 3);
    assert.equal(result.kind, 'rejected');
    await engine.dispose();
  });

  it('shows the last frame beside thumbnails of the map, after the first frame', async () => {
    const engine = await openEngine(config);
    assert.equal(await engine.renderMatches('nothing yet', []), null);
    await engine.recognize(frameOf(images[0]!), 3);
    const jpeg = await engine.renderMatches('located 97 %', [{ place: 1, caption: '#0 <97 %>' }]);
    assert.deepEqual([...jpeg!.subarray(0, 2)], [0xff, 0xd8]);
    await engine.dispose();
  });

  for (const index of ['auto', 'hnsw'] as const) {
    it(`gives the same best places with index ${index}`, async () => {
      const exact = await openEngine(config);
      const other = await openEngine({ ...config, index });
      for (const image of images) {
        const expected = await exact.recognize(frameOf(image), 1);
        const result = await other.recognize(frameOf(image), 1);
        assert.ok(expected.kind === 'recognized' && result.kind === 'recognized');
        assert.equal(result.matches[0]!.place, expected.matches[0]!.place);
      }
      await exact.dispose();
      await other.dispose();
    });
  }

  it('grows a map from nothing that equals the one built from the same images', async () => {
    const map = path.join(folder, 'grown.vprmap');
    const engine = await openEngine({ ...config, map, createMap: true });
    assert.equal(engine.facts.map.places.length, 0);
    for (const [i, image] of images.entries()) {
      const result = await engine.recognize(frameOf(image), 3);
      assert.ok(result.kind === 'recognized');
      assert.equal(result.matches.length, Math.min(3, i), 'searches what was added before');
      const { content, ...geotag } = image;
      assert.equal(content.kind, 'frame');
      assert.equal((await engine.addPlace(geotag satisfies FrameGeotag)).id, i + 1);
      if (i === 3) assert.equal(await engine.saveMap(), 4, 'may be saved in between');
    }
    await engine.dispose();
    const [grown, built] = [PlaceMap.open(map), PlaceMap.open(config.map)];
    assert.deepEqual(grown.places, built.places);
    assert.deepEqual(grown.manifest.datum, built.manifest.datum);
    assert.deepEqual(grown.manifest.checksums, built.manifest.checksums);
    grown.close();
    built.close();
  });

  it('does not map where the map would lie in a folder that is not there', async () => {
    const map = path.join(folder, 'usb', 'grown.vprmap');
    await assert.rejects(openEngine({ ...config, map, createMap: true }), {
      code: 'map',
      message: `The folder ${path.dirname(map)}, which map ${map} is to lie in, does not exist.`,
    });
    assert.ok(!existsSync(path.dirname(map)));
  });

  it('does not map into a file that takes no places', async () => {
    const map = path.join(folder, 'sealed.vprmap');
    await copyFile(config.map, map);
    await chmod(folder, 0o755);
    await chmod(map, 0o444);
    const [isRoot, nobody] = [process.geteuid!() === 0, 65_534];
    if (isRoot) process.seteuid!(nobody); // root may write everywhere
    try {
      assert.throws(() => { assertWritable(map); }, { code: 'map', message: /sealed\.vprmap cannot be written: EACCES/ }); // prettier-ignore
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  });

  it('fetches local features to verify or to map with, and for a replay that does neither not at all', async () => {
    const map = path.join(folder, 'local.vprmap');
    const whole = await loadModel(config.model);
    await buildMap(toSource(images), whole, { out: map, local: true });
    await whole.dispose();
    // A grid that is not the network's: whoever asks for local features is told so.
    const apart = path.join(folder, 'apart');
    const model = await writeTinyModel({ folder: apart });
    const manifest = path.join(apart, 'tiny.json');
    const text = await readFile(manifest, 'utf8');
    await writeFile(manifest, text.replace(/"rows": \d+/, '"rows": 1'));
    const [reading, verifying] = [{ model, throughput: true }, { verifyTopK: 2 }];
    for (const [given, isFetched] of [
      [{ model }, true],
      [reading, false],
      [{ ...reading, ...verifying }, true],
    ] as const) {
      const engine = await openEngine({ ...config, map, ...given });
      const answer = engine.recognize(frameOf(images[0]!), 1);
      if (isFetched) await assert.rejects(answer, /expected local features \[n, 1 \* 8, channels\]/);
      else assert.equal((await answer).kind, 'recognized');
      await engine.dispose();
    }
  });

  it('does not map with an engine of a replay', async () => {
    const engine = await openEngine({ ...config, throughput: true });
    await engine.recognize(frameOf(images[0]!), 1);
    const { content, ...geotag } = images[0]!;
    assert.equal(content.kind, 'frame');
    await assert.rejects(engine.addPlace(geotag), /An engine of a replay does not map/);
    await engine.dispose();
  });

  it('refuses to add a frame that is not the last one', async () => {
    const engine = await openEngine({ ...config, map: path.join(folder, 'late.vprmap'), createMap: true });
    await engine.recognize(frameOf(images[0]!), 1);
    const { content, ...geotag } = images[1]!;
    assert.equal(content.kind, 'frame');
    await assert.rejects(engine.addPlace(geotag), /is not the one that was recognized last/);
    await engine.dispose();
  });

  it('says which model made the map when it was another', async () => {
    const other = await writeTinyModel({ folder, name: 'other', seed: 2 });
    await assert.rejects(openEngine({ ...config, model: other }), { code: 'map', message: /made by the model tiny/ });
    await assert.rejects(openEngine({ ...config, map: '' }), { code: 'map', message: /No map is named/ });
  });
});

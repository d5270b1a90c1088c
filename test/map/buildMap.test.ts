import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatasetProblem, GeotaggedImage, GeotaggedImageSource } from '../../src/datasets/GeotaggedImage.ts';
import { NetvladError } from '../../src/errors.ts';
import { encodeJpeg } from '../../src/image/encode.ts';
import { buildMap } from '../../src/map/buildMap.ts';
import { PlaceMap } from '../../src/map/PlaceMap.ts';
import { colourImage, createColourModel, imageOf, type Colour } from '../support/colourModel.ts';

type Item = GeotaggedImage | DatasetProblem;

function sourceOf(items: readonly Item[], onItem: (index: number) => void = () => undefined): GeotaggedImageSource {
  return {
    description: 'test images',
    count: items.length,
    async *[Symbol.asyncIterator]() {
      for (const [index, item] of items.entries()) {
        onItem(index);
        await Promise.resolve();
        yield item;
      }
    },
  };
}

const rainbow = async (count: number): Promise<GeotaggedImage[]> =>
  Promise.all(
    Array.from({ length: count }, (_, i) => {
      const colour: Colour = [50 + i * 4, 255 - i * 4, (i * 37) % 256];
      return colourImage(`${i}.jpg`, colour, { frame: i, stampNs: BigInt(i) });
    }),
  );

describe('buildMap', () => {
  let folder: string;
  let out: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-build-'));
    out = join(folder, 'new folder', 'city.vprmap');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('stores every image in source order, whatever finishes decoding first, in batches', async () => {
    const model = createColourModel();
    const images = await rainbow(40);
    const result = await buildMap(sourceOf(images), model, { out, batch: 16, sequence: 'walk' });
    assert.equal(result.places, 40);
    assert.deepEqual(model.batches, [16, 16, 8]);
    const map = PlaceMap.open(out);
    assert.deepEqual(
      map.places.map(({ image, frame, sequence }) => [image, frame, sequence]),
      images.map(({ name }, i) => [name, i, 'walk']),
    );
    // Row i must be the descriptor of image i: its direction is its colour's.
    const [red, green] = [map.descriptors[39 * 3]!, map.descriptors[39 * 3 + 1]!];
    assert.ok(Math.abs(red / green - (50 + 39 * 4) / (255 - 39 * 4)) < 0.05);
    assert.equal(map.thumbnail(1)![0], 0xff, 'a JPEG');
    map.close();
  });

  it('keeps images of different sizes apart where the model would see them in different sizes', async () => {
    const colour = createColourModel();
    const { manifest } = colour;
    const sizes = ['stretch', 'fit'] as const;
    const wide = await encodeJpeg({ data: new Uint8Array(16 * 6 * 3).fill(99), width: 16, height: 6 }, 90);
    const [first, second] = await rainbow(2);
    const images = [first!, second!, imageOf('wide.jpg', wide), imageOf('wide2.jpg', wide)];
    for (const resize of sizes) {
      const model = { ...colour, manifest: { ...manifest, input: { ...manifest.input, resize } } };
      await buildMap(sourceOf(images), model, { out, local: true });
    }
    assert.deepEqual(colour.batches, [4, 2, 2]);
  });

  it('lists what it leaves out, and leaves the rest unharmed', async () => {
    const images = await rainbow(6);
    const items: Item[] = [
      images[0]!,
      { problem: 'lat is not a number: north', where: 'index.csv:3' },
      imageOf('empty.jpg', new Uint8Array(0)),
      images[1]!,
      imageOf('text.jpg', new TextEncoder().encode('no picture at all')),
      await colourImage('black.jpg', [0, 0, 0]),
      images[2]!,
    ];
    const result = await buildMap(sourceOf(items), createColourModel(), { out, batch: 2 });
    assert.deepEqual(
      result.problems.map(({ where }) => where),
      ['index.csv:3', 'empty.jpg', 'text.jpg', 'black.jpg'],
    );
    assert.deepEqual(
      PlaceMap.open(out).places.map(({ image }) => image),
      ['0.jpg', '1.jpg', '2.jpg'],
    );
  });

  it('refuses to make an empty map: of nothing, and of nothing usable', async () => {
    const broken = imageOf('broken.jpg', new Uint8Array(0));
    const cases = [
      { items: [], expected: /there are no images/ },
      { items: [broken, broken], expected: /none of its 2 images could be used\. First: broken\.jpg: .*empty/ },
    ];
    for (const { items, expected } of cases) {
      const building = buildMap(sourceOf(items), createColourModel(), { out });
      await assert.rejects(building, (error: NetvladError) => {
        assert.equal(error.code, 'bad-input');
        assert.match(error.message, expected);
        return true;
      });
      assert.ok(!existsSync(out));
    }
  });

  it('leaves nothing behind when interrupted, and stops reading', async () => {
    const abort = new AbortController();
    const images = await rainbow(60);
    let lastRead = 0;
    const source = sourceOf(images, (index) => {
      lastRead = index;
      if (index === 20) abort.abort(new NetvladError('interrupted', 'Interrupted.'));
    });
    const building = buildMap(source, createColourModel(), { out, batch: 4, signal: abort.signal });
    await assert.rejects(building, /Interrupted/);
    assert.ok(lastRead < 40, `read up to ${lastRead}`);
    assert.deepEqual(readdirSync(join(folder, 'new folder')), []);
  });
});

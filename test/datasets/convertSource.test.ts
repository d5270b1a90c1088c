/** @file Conversion: what goes in comes out, in both formats; nothing half-written stays. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { convertSource } from '../../src/datasets/convertSource.ts';
import {
  createGeotaggedImage,
  type DatasetProblem,
  type GeotaggedImage,
  type GeotaggedImageSource,
} from '../../src/datasets/GeotaggedImage.ts';
import { NetvladError } from '../../src/errors.ts';
import { openImageSource } from '../../src/datasets/openImageSource.ts';
import { formatSourceSummary, summarizeSource } from '../../src/datasets/summarizeSource.ts';
import { loadImage } from '../../src/image/decodeFrame.ts';
import { encodeJpeg } from '../../src/image/encode.ts';
import { readAll, useFolder } from './sources.ts';

function sourceOf(...items: (GeotaggedImage | DatasetProblem)[]): GeotaggedImageSource {
  return {
    description: 'three images',
    count: items.length,
    async *[Symbol.asyncIterator]() {
      await Promise.resolve();
      yield* items;
    },
  };
}

describe('convertSource', () => {
  const folder = useFolder();
  const pixels = { data: Uint8Array.from([9, 8, 7, 6, 5, 4]), width: 2, height: 1 };

  /** A file, a compressed and a raw frame of a recording, and a broken record. */
  async function createSource(): Promise<{ source: GeotaggedImageSource; jpeg: Uint8Array }> {
    const jpeg = await encodeJpeg(pixels);
    await folder.write({ 'in/1.jpg': jpeg });
    const frame = { stampNs: 1_500_000_000n, frameId: 'camera' };
    const raw = { ...frame, kind: 'raw', ...pixels, encoding: 'rgb8', step: 6, isBigEndian: false } as const;
    const compressed = { ...frame, kind: 'compressed', format: 'jpeg', data: jpeg } as const;
    const source = sourceOf(
      createGeotaggedImage(
        '../up/1.jpg',
        { kind: 'file', path: join(folder.path, 'in/1.jpg') },
        {
          ...{ role: 'database', place: 'corner, north', geo: { latDeg: 52.2, lonDeg: 0.119, altM: 17 } },
          ...{ yawRad: 0.5, frame: 3, condition: 'day', sequence: 'a', positionSigmaM: 2 },
        },
      ),
      { problem: 'broken', where: 'record 2' },
      createGeotaggedImage(
        '/camera/image@1500000000',
        { kind: 'frame', frame: compressed },
        {
          ...{ role: 'query', stampNs: 1_500_000_000n, local: { x: 1.5, y: -2, z: 3 }, yawRad: -1 },
        },
      ),
      createGeotaggedImage('/camera/raw@2', { kind: 'frame', frame: raw }),
    );
    return { source, jpeg };
  }

  it('writes a CSV data set that reads back alike', async () => {
    const { source, jpeg } = await createSource();
    const out = join(folder.path, 'out');
    const result = await convertSource(source, out, { format: 'csv' });
    assert.deepEqual([result.images, result.problems], [3, [{ problem: 'broken', where: 'record 2' }]]);
    const before = (await readAll(source)).images;
    const after = (await readAll(await openImageSource(out))).images;
    assert.deepEqual(
      after.map(({ name }) => name),
      ['images/up/1.jpg', 'images/camera/image@1500000000.jpg', 'images/camera/raw@2.png'],
    );
    for (const [at, image] of after.entries()) {
      const { name, content, yawRad, ...facts } = image;
      const { name: oldName, content: oldContent, yawRad: oldYaw, ...oldFacts } = before[at]!;
      assert.notEqual([name, content], [oldName, oldContent]);
      assert.deepEqual(facts, oldFacts);
      if (oldYaw === null) assert.equal(yawRad, null);
      else assert.ok(Math.abs(yawRad! - oldYaw) < 1e-12);
    }
    assert.deepEqual(Buffer.from(await readFile(join(out, after[0]!.name))), Buffer.from(jpeg));
    assert.deepEqual(Buffer.from(await readFile(join(out, after[1]!.name))), Buffer.from(jpeg));
    assert.deepEqual(await loadImage(join(out, after[2]!.name)), pixels);
  });

  it('writes positions into names, in folders by role', async () => {
    const { source } = await createSource();
    const out = join(folder.path, 'out');
    const result = await convertSource(source, out, { format: 'utm-names' });
    assert.equal(result.images, 2);
    assert.match(result.problems[1]!.problem, /no position/);
    const { images } = await readAll(await openImageSource(out));
    assert.deepEqual(
      images.map(({ role }) => role),
      ['database', 'query'],
    );
    assert.ok(Math.abs(images[0]!.geo!.latDeg - 52.2) < 1e-7);
    assert.deepEqual(images[1]!.local, { x: 1.5, y: -2, z: 0 });
  });

  it('refuses a folder in use, and leaves nothing behind when it fails', async () => {
    const { source } = await createSource();
    await assert.rejects(convertSource(source, folder.path, { format: 'csv' }), /exists and is not empty/);
    const nothing = sourceOf({ problem: 'broken', where: 'record 1' });
    await assert.rejects(
      convertSource(nothing, join(folder.path, 'out'), { format: 'csv' }),
      /Nothing of three images could be converted/,
    );
    const abort = new AbortController();
    abort.abort();
    const interrupted = convertSource(source, join(folder.path, 'out'), { format: 'csv', signal: abort.signal });
    await assert.rejects(interrupted);
    assert.equal(existsSync(join(folder.path, 'out')), false);
    assert.deepEqual(await readdir(folder.path), ['in']);
  });

  it('ends when the target cannot be written, naming it, instead of leaving images out', async () => {
    const { source } = await createSource();
    const out = join(folder.path, 'out');
    for (const image of ['up/1.jpg', 'camera/raw@2.png']) {
      const target = join(`${out}.${process.pid}.tmp`, 'images', image);
      await mkdir(dirname(target), { recursive: true });
      await symlink('/dev/full/nowhere', target); // a file that cannot be made
      await assert.rejects(convertSource(source, out, { format: 'csv' }), (error) => {
        assert.ok(error instanceof NetvladError && error.message.startsWith(`${out} cannot be written: ENOTDIR`));
        return true;
      });
      assert.deepEqual(await readdir(folder.path), ['in']);
    }
  });

  it('leaves out an image that cannot be read, and one whose name is taken, by name', async () => {
    const { source, jpeg } = await createSource();
    await folder.write({ 'in/2.jpg': jpeg });
    const [first] = (await readAll(source)).images;
    const at = (name: string, file: string): GeotaggedImage =>
      createGeotaggedImage(name, { kind: 'file', path: join(folder.path, file) });
    const images = sourceOf(first!, at('up/1.jpg', 'in/2.jpg'), at('gone.jpg', 'in/gone.jpg'));
    const { problems } = await convertSource(images, join(folder.path, 'out'), { format: 'csv' });
    assert.deepEqual(problems[0], { where: 'up/1.jpg', problem: 'Another image is called 1.jpg already.' });
    assert.match(problems[1]!.problem, /in\/gone\.jpg cannot be read: ENOENT/);
    assert.equal(problems.length, 2);
  });

  it('summarises a source', async () => {
    const { source } = await createSource();
    const summary = await summarizeSource(source);
    assert.deepEqual([summary.images, summary.withGeo, summary.withLocal, summary.withHeading], [3, 1, 1, 2]);
    assert.deepEqual(summary.roles, { database: 1, query: 1, '': 1 });
    assert.deepEqual(summary.xM, [1.5, 1.5]);
    assert.match(formatSourceSummary(summary), /images {6}3, unusable 1\n.*\n[^]*problem {5}record 2: broken/);
  });
});

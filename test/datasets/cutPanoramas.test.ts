/** @file `netvlad dataset panoramas`: views with the right headings, positions and names, as a source that maps are built from. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openImageSource } from '../../src/datasets/openImageSource.ts';
import { yawToCompass } from '../../src/geo/angles.ts';
import { encodePng } from '../../src/image/encode.ts';
import { loadImage } from '../../src/image/decodeFrame.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import { runMain } from '../support/runMain.ts';
import { writeTinyModel } from '../support/tinyModel.ts';
import { readAll, useFolder } from './sources.ts';

/** Quarters around the middle: ahead red, right green, behind blue, left grey. */
const QUARTERS = { ahead: [200, 0, 0], right: [0, 200, 0], behind: [0, 0, 200], left: [90, 90, 90] } as const;

async function paintQuarters(width: number): Promise<Uint8Array> {
  const height = width / 2;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const longitudeDeg = (((i % width) + 0.5) / width) * 360 - 180;
    const quarter = Math.round(((longitudeDeg + 360) % 360) / 90) % 4;
    data.set([QUARTERS.ahead, QUARTERS.right, QUARTERS.behind, QUARTERS.left][quarter]!, i * 3);
  }
  return encodePng({ data, width, height });
}

async function middleOf(path: string): Promise<number[]> {
  const image = await loadImage(path);
  assert.ok(!isFrameProblem(image));
  const at = (Math.floor(image.height / 2) * image.width + Math.floor(image.width / 2)) * 3;
  return [...image.data.subarray(at, at + 3)];
}

const colourName = (received: readonly number[]): string | undefined =>
  Object.entries(QUARTERS).find(([, colour]) => colour.every((value, c) => Math.abs(value - received[c]!) < 12))?.[0];

describe('dataset panoramas', () => {
  const folder = useFolder();
  const write = async (csv: string): Promise<string> => {
    const panorama = await paintQuarters(256);
    await folder.write({ 'in/street/1.png': panorama, 'in/2.png': panorama, 'in/index.csv': csv });
    return join(folder.path, 'in');
  };

  it('cuts views clockwise from the middle, with compass headings and the positions of their panorama', async () => {
    const source = await write(
      'file,role,lat,lon,yaw_deg,condition\nstreet/1.png,database,52.2,0.12,350,day\n2.png,database,52.3,0.13,,day\n',
    );
    const out = join(folder.path, 'out');
    const args = ['dataset', 'panoramas', source, '--out', out, '--headings', '4', '--size', '65x49', '--json'];
    const { code, stdout, stderr } = await runMain(args);
    assert.equal(code, 0, stderr);
    const { panoramas, images, withoutHeading } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([panoramas, images, withoutHeading], [2, 8, 1]);
    assert.match(stderr, /1 panorama without a heading/);

    const cut = (await readAll(await openImageSource(out))).images;
    const told = cut.map(({ name, yawRad, geo, role, condition }) => [
      ...[name, yawRad === null ? null : Math.round(yawToCompass(yawRad)), geo?.latDeg, role, condition],
    ]);
    assert.deepEqual(told.slice(0, 5), [
      ['images/street/1_000.jpg', 350, 52.2, 'database', 'day'],
      ['images/street/1_090.jpg', 80, 52.2, 'database', 'day'],
      ['images/street/1_180.jpg', 170, 52.2, 'database', 'day'],
      ['images/street/1_270.jpg', 260, 52.2, 'database', 'day'],
      ['images/2_000.jpg', null, 52.3, 'database', 'day'],
    ]);
    const colours = await Promise.all(cut.slice(0, 4).map(({ name }) => middleOf(join(out, name))));
    assert.deepEqual(colours.map(colourName), ['ahead', 'right', 'behind', 'left']);
    const first = await loadImage(join(out, cut[0]!.name));
    assert.ok(!isFrameProblem(first));
    assert.deepEqual([first.width, first.height], [65, 49]);
  });

  it('turns ENU headings of local metres the same way, and a map is built from the result', async () => {
    const source = await write('file,x_m,y_m,yaw_deg\nstreet/1.png,0,0,10\n2.png,5,0,10\n');
    const out = join(folder.path, 'out');
    const cut = await runMain(['dataset', 'panoramas', source, '--out', out, '--headings', '3', '--size', '64x48']);
    assert.equal(cut.code, 0, cut.stderr);
    const { images } = await readAll(await openImageSource(out));
    const degrees = images.slice(0, 3).map(({ yawRad }) => Math.round((yawRad! * 180) / Math.PI));
    assert.deepEqual(degrees, [10, -110, 130]); // clockwise is downwards in ENU
    const model = await writeTinyModel({ folder: folder.path });
    const map = join(folder.path, 'town.vprmap');
    const built = await runMain(['map', 'build', out, '--out', map, '--model', model, '--no-calibration', '--json']);
    assert.equal(built.code, 0, built.stderr);
    const info = await runMain(['map', 'info', map, '--json']);
    assert.equal((JSON.parse(info.stdout) as { places: number }).places, 6);
  });

  it('names what is no panorama, and leaves nothing when nothing could be cut', async () => {
    const flat = await encodePng({ data: new Uint8Array(60 * 40 * 3), width: 60, height: 40 });
    await folder.write({ 'in/a.png': flat, 'in/index.csv': 'file\na.png\n' });
    const out = join(folder.path, 'out');
    const { code, stderr } = await runMain(['dataset', 'panoramas', join(folder.path, 'in'), '--out', out]);
    assert.equal(code, 3);
    assert.match(stderr, /a\.png: The image is 60 x 40; a full equirectangular panorama is twice as wide as high/);
    assert.ok(!existsSync(out));
  });

  it('does not let two panoramas overwrite each other', async () => {
    const panorama = await paintQuarters(64);
    await folder.write({ 'in/1.png': panorama, 'in/1.jpg': panorama, 'in/index.csv': 'file\n1.png\n1.jpg\n' });
    const out = join(folder.path, 'out');
    const args = ['dataset', 'panoramas', join(folder.path, 'in'), '--out', out, '--headings', '2', '--size', '8x6'];
    const { code, stderr } = await runMain(args);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /1\.jpg: Another image's views are called images\/1_000\.jpg/);
    assert.equal((await readFile(join(out, 'index.csv'), 'utf8')).trim().split('\n').length, 3);
  });

  for (const wrong of [
    ['--size', '640'],
    ['--fov', '180'],
    ['--headings', '0'],
  ]) {
    it(`refuses ${wrong.join(' ')}`, async () => {
      const { code } = await runMain(['dataset', 'panoramas', folder.path, '--out', 'nowhere', ...wrong]);
      assert.equal(code, 2);
    });
  }
});

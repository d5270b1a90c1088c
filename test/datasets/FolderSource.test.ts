/** @file Folders: plain, EXIF, positions in names. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseExifTags } from '../../src/datasets/exifFacts.ts';
import { openCsvSource } from '../../src/datasets/CsvSource.ts';
import { openFolderSource } from '../../src/datasets/FolderSource.ts';
import { openImageSource, recognizeImageSource } from '../../src/datasets/openImageSource.ts';
import { formatTimestamp, parseTimestamp } from '../../src/datasets/timestamps.ts';
import { formatUtmName, parseUtmName } from '../../src/datasets/utmNames.ts';
import { sharedPath } from '../support/sharedData.ts';
import { readAll, useFolder } from './sources.ts';

/** Files below a folder that this process has open. */
function listOpenBelow(folder: string): readonly string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd));
    } catch {
      return ''; // closed meanwhile
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}

describe('openFolderSource', () => {
  const folder = useFolder();

  it('leaves no file open, whatever lies in it', async () => {
    const heads = {
      'text.jpg': 'hello world',
      'cut.jpg': '\u00ff\u00d8\u00ff\u00e1',
      'empty.png': '',
      'riff.webp': 'RIFF0000WEBP',
    };
    await folder.write(
      Object.fromEntries(Object.entries(heads).map(([name, text]) => [name, Buffer.from(text, 'latin1')])),
    );
    const { images } = await readAll(await openFolderSource(folder.path));
    assert.equal(images.length, 4);
    // The library closes some behind our back, a moment later.
    for (let tries = 0; listOpenBelow(folder.path).length > 0 && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(listOpenBelow(folder.path), []);
  });

  it('waits for no pipe and reads no device, whatever they are called', async () => {
    await folder.write({ 'a.jpg': '', 'b.jpg/inside.jpg': '' });
    execFileSync('mkfifo', [join(folder.path, 'pipe.jpg')]);
    for (const [name, target] of Object.entries({
      'zero.jpg': '/dev/zero',
      'link.jpg': 'a.jpg',
      'gone.jpg': 'nowhere',
    })) {
      symlinkSync(target, join(folder.path, name));
    }
    const { images } = await readAll(await openFolderSource(folder.path));
    assert.deepEqual(
      images.map(({ name }) => name),
      ['a.jpg', 'b.jpg/inside.jpg', 'gone.jpg', 'link.jpg'],
    );
    await folder.write({ 'index.csv': 'file\na.jpg\npipe.jpg\nzero.jpg\n' });
    const { problems } = await readAll(await openCsvSource(join(folder.path, 'index.csv')));
    assert.deepEqual(
      problems.map(
        ({ problem }) => /(pipe|zero)\.jpg is a folder, a pipe or a device, not an image\.$/.exec(problem)?.[1],
      ),
      ['pipe', 'zero'],
    );
  });

  it('finds images recursively in the order of their paths, without hidden ones and other files', async () => {
    const files = ['b.PNG', 'a/10.jpg', 'a/9.jpeg', 'notes.txt', '.cache/x.jpg', 'a/.hidden.jpg', 'queries/q.webp'];
    await folder.write(Object.fromEntries(files.map((file) => [file, ''])));
    const source = await openFolderSource(folder.path);
    const { images, problems } = await readAll(source);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      images.map(({ name, role, sequence, frame }) => [name, role, sequence, frame]),
      [
        ['a/10.jpg', null, 'a', 0],
        ['a/9.jpeg', null, 'a', 1],
        ['b.PNG', null, null, 2],
        ['queries/q.webp', 'query', 'queries', 3],
      ],
    );
    assert.equal(source.count, 4);
    assert.match(source.description, /^Folder .* \(4 images\)$/);
  });

  it('selects the roles that folders are named for', async () => {
    await folder.write({ 'test/database/1.jpg': '', 'test/queries/2.jpg': '' });
    const { images } = await readAll(await openFolderSource(folder.path, { role: 'query' }));
    assert.deepEqual(
      images.map(({ name }) => name),
      ['test/queries/2.jpg'],
    );
    await assert.rejects(openFolderSource(folder.path, { role: 'train' }), /role 'train': it has database, query/);
  });

  it('refuses a folder without images', async () => {
    await folder.write({ 'notes.txt': '' });
    await assert.rejects(openFolderSource(folder.path), /holds no images/);
  });

  it('reads positions from names, and reports a name that has none', async () => {
    await folder.write({ '@0500000.00@5000000.00@32@T@@@@@90@.jpg': '', 'zebra.jpg': '' });
    const { images, problems } = await readAll(await openFolderSource(folder.path));
    // 500,000 m E is the central meridian of zone 32: 9 degrees east.
    assert.ok(Math.abs(images[0]!.geo!.lonDeg - 9) < 1e-9);
    assert.equal(images[0]!.yawRad, 0);
    assert.match(problems[0]!.problem, /zebra\.jpg is not of the form/);
  });

  it('reads EXIF of real photographs', async function () {
    const photo = sharedPath(this, 'data', 'exif_gps_arezzo', 'DSCN0010.jpg');
    await copyFile(photo, join(folder.path, 'photo.jpg'));
    await folder.write({ 'without.jpg': '' });
    const source = await openFolderSource(folder.path);
    const [photograph, without] = (await readAll(source)).images;
    assert.match(source.description, /^EXIF-tagged folder/);
    assert.ok(Math.abs(photograph!.geo!.latDeg - 43.4674483333) < 1e-9);
    assert.ok(Math.abs(photograph!.geo!.lonDeg - 11.8851266667) < 1e-9);
    // GPSDateStamp 2008:10:23, GPSTimeStamp 14:27:07.24 UTC
    assert.equal(photograph!.stampNs, BigInt(Date.UTC(2008, 9, 23, 14, 27, 7, 240)) * 1_000_000n);
    assert.equal(without!.geo, null);
  });
});

describe('parseExifTags', () => {
  const tags = {
    ...{ GPSLatitude: [33, 30, 36], GPSLatitudeRef: 'S', GPSLongitude: [70, 30, 0], GPSLongitudeRef: 'W' },
    ...{ GPSAltitude: 12.5, GPSAltitudeRef: Uint8Array.of(1), GPSImgDirection: 180, GPSHPositioningError: 4 },
    ...{ DateTimeOriginal: '2023:09:06 15:39:05', OffsetTimeOriginal: '+02:00', SubSecTimeOriginal: '25' },
  };

  it('reads hemispheres, depth below the sea, heading and local time with its offset', () => {
    assert.deepEqual(parseExifTags(tags), {
      geo: { latDeg: -33.51, lonDeg: -70.5, altM: -12.5 },
      yawRad: -Math.PI / 2,
      positionSigmaM: 4,
      stampNs: BigInt(Date.UTC(2023, 8, 6, 13, 39, 5, 250)) * 1_000_000n,
    });
  });

  it('gives no position for a receiver without a fix, and nothing for no tags', () => {
    assert.equal(parseExifTags({ ...tags, GPSLatitude: [0, 0, 0], GPSLongitude: [0, 0, 0] }).geo, null);
    assert.equal(parseExifTags({ ...tags, GPSLatitude: [NaN, 0, 0] }).geo, null);
    assert.deepEqual(parseExifTags({}), { geo: null, yawRad: null, positionSigmaM: null, stampNs: null });
  });
});

describe('UTM names', () => {
  it('reads the full form', () => {
    const facts = parseUtmName(
      '@0585042.68@4477150.25@17@T@40.4391003@-79.9972318@pano7@3@270@@@12.5@1694012345@n@.jpg',
    );
    assert.ok(typeof facts !== 'string');
    assert.deepEqual(facts.geo, { latDeg: 40.4391003, lonDeg: -79.9972318, altM: 12.5 });
    assert.deepEqual([facts.place, facts.yawRad, facts.stampNs], ['pano7', Math.PI, 1694012345000000000n]);
    assert.equal(facts.local, null);
  });

  it('computes lat/lon from zone and band, on both hemispheres', () => {
    // Valparaiso, zone 19 band H, south: PROJ gives 256467.86, 6340655.07 for -33.05, -71.6083.
    const south = parseUtmName('@256467.86@6340655.07@19@H@.jpg');
    assert.ok(typeof south !== 'string');
    assert.ok(south.geo!.latDeg < -33 && south.geo!.latDeg > -33.2 && Math.abs(south.geo!.lonDeg + 71.6) < 0.1);
  });

  it('keeps metres local without a zone', () => {
    const facts = parseUtmName('@100.5@-20@.png');
    assert.ok(typeof facts !== 'string');
    assert.deepEqual([facts.geo, facts.local], [null, { x: 100.5, y: -20, z: 0 }]);
  });

  for (const name of ['photo.jpg', '@1@.jpg', '@east@north@.jpg']) {
    it(`refuses ${name}`, () => {
      assert.equal(typeof parseUtmName(name), 'string');
    });
  }

  it('reads back what it writes', () => {
    const facts = fc.record({
      geo: fc.record({
        latDeg: fc.double({ min: -79, max: 83, noNaN: true }),
        lonDeg: fc.double({ min: -180, max: 179.99, noNaN: true }),
        altM: fc.constant(NaN),
      }),
      local: fc.constant(null),
      yawRad: fc.option(fc.double({ min: -3.14, max: 3.14, noNaN: true })),
      place: fc.option(fc.constantFrom('pano1', 'x y')),
      stampNs: fc.option(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n })),
    });
    fc.assert(
      fc.property(facts, (written) => {
        const read = parseUtmName(formatUtmName(written, 'a@b/c', '.jpg')!);
        assert.ok(typeof read !== 'string');
        assert.ok(Math.abs(read.geo!.latDeg - written.geo.latDeg) < 1e-7);
        assert.ok(Math.abs(read.geo!.lonDeg - written.geo.lonDeg) < 1e-7);
        assert.deepEqual([read.place, read.stampNs], [written.place, written.stampNs]);
        if (written.yawRad === null) assert.equal(read.yawRad, null);
        else assert.ok(Math.abs(Math.sin((read.yawRad! - written.yawRad) / 2)) < 1e-4);
      }),
    );
  });

  it('has no name for an image without a position', () => {
    assert.equal(formatUtmName({ geo: null, local: null, yawRad: 0, place: null, stampNs: null }, 'n', '.jpg'), null);
  });
});

describe('timestamps', () => {
  const cases: readonly (readonly [string, bigint | null])[] = [
    ['0', 0n],
    ['1694012345.000000001', 1694012345000000001n],
    ['1694012345000000001', 1694012345000000001n],
    ['2023-09-06T15:39:05Z', 1694014745000000000n],
    ['2023-09-06 15:39:05', 1694014745000000000n],
    ['2023-09-06T17:39:05.5+02:00', 1694014745500000000n],
    ['1.694012345125000000e+09', 1694012345125000000n],
    ['1.694012345125e+18', 1694012345125000000n],
    ['16940123451.25E-1', 1694012345125000000n],
    ['5e-3', 5000000n],
    ['1e-12', 0n],
    ['1e99', 10n ** 99n],
    ['1e', null],
    ['-5', null],
    ['soon', null],
    ['2023-13-45T00:00:00Z', null],
  ];
  for (const [text, expected] of cases) {
    it(`reads '${text}'`, () => {
      assert.equal(parseTimestamp(text), expected);
      if (expected !== null && expected < 2n ** 63n) assert.equal(parseTimestamp(formatTimestamp(expected)), expected);
    });
  }

  it('writes times before 1970 with one sign', () => {
    assert.equal(formatTimestamp(-1_500_000_000n), '-1.500000000');
    assert.equal(formatTimestamp(-1n), '-0.000000001');
  });
});

describe('openImageSource', () => {
  const folder = useFolder();

  it('recognises each kind by the path', async () => {
    await folder.write({ 'csv/index.csv': 'file\n1.jpg', 'bag/metadata.yaml': '', 'plain/1.jpg': '', 'a.CSV': '' });
    await folder.write({ 'a.mat': '', 'a.mcap': '', 'a.db3': '', 'a.bag': '', 'a.txt': '' });
    const kinds = { csv: 'csv', bag: 'recording', plain: 'folder', 'a.CSV': 'csv', 'a.mat': 'dbstruct' };
    for (const [file, kind] of Object.entries({ ...kinds, 'a.mcap': 'recording', 'a.db3': 'recording' })) {
      assert.equal(recognizeImageSource(join(folder.path, file)), kind);
    }
    assert.throws(() => recognizeImageSource(join(folder.path, 'a.txt')), /a\.txt is not an image source/);
    assert.throws(() => recognizeImageSource(join(folder.path, 'gone')), /gone does not exist/);
    await assert.rejects(openImageSource(join(folder.path, 'a.bag')), /a\.bag is a recording/);
  });
});

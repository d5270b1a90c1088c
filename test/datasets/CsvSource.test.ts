/** @file CSV sources: every column, every way to get one wrong. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { openCsvSource } from '../../src/datasets/CsvSource.ts';
import { openImageSource } from '../../src/datasets/openImageSource.ts';
import { NetvladError } from '../../src/errors.ts';
import { sharedPath } from '../support/sharedData.ts';
import { readAll, useFolder } from './sources.ts';

describe('openCsvSource', () => {
  const folder = useFolder();
  const csv = (): string => join(folder.path, 'index.csv');

  it('reads every column, in any order, and ignores the others', async () => {
    await folder.write({
      'a/1.jpg': '',
      'index.csv': [
        '\ufefffile,weather,lon,lat,alt_m,yaw_deg,role,place,frame,condition,timestamp,sequence,sigma_m',
        'a/1.jpg,fine,8.5,47.25,410.5,90,database,"p, 1",7,night,1694012345.125,drive,2.5',
      ].join('\r\n'),
    });
    const { images, problems } = await readAll(await openCsvSource(csv()));
    assert.deepEqual(problems, []);
    assert.deepEqual(images, [
      {
        name: 'a/1.jpg',
        content: { kind: 'file', path: join(folder.path, 'a/1.jpg') },
        role: 'database',
        place: 'p, 1',
        geo: { latDeg: 47.25, lonDeg: 8.5, altM: 410.5 },
        local: null,
        yawRad: 0, // compass 90 is east, ENU 0
        orientation: null,
        positionSigmaM: 2.5,
        stampNs: 1694012345125000000n,
        sequence: 'drive',
        frame: 7,
        condition: 'night',
      },
    ]);
  });

  it('reads yaw as ENU beside local metres', async () => {
    await folder.write({ '1.jpg': '', 'index.csv': 'file,x_m,y_m,yaw_deg\n1.jpg,-3.5,4,90' });
    const [image] = (await readAll(await openCsvSource(csv()))).images;
    assert.deepEqual(image!.local, { x: -3.5, y: 4, z: 0 });
    assert.equal(image!.yawRad, Math.PI / 2);
    assert.equal(image!.geo, null);
  });

  it('turns wrong rows and missing files into problems with their line, and goes on', async () => {
    await folder.write({
      ...Object.fromEntries(['1', '2', '3', '4', '5', '6', '7', 'good'].map((name) => [`${name}.jpg`, ''])),
      'index.csv': [
        'file,lat,lon,frame,timestamp',
        '1.jpg,abc,8,,',
        '2.jpg,95,8,,',
        '3.jpg,47,,,',
        '4.jpg,47,8,1.5,',
        '5.jpg,47,8,,yesterday',
        ',47,8,,',
        'gone.jpg,47,8,,',
        'good.jpg,47,8,,',
        'good.jpg,47,8,,',
        '7.jpg',
      ].join('\n'),
    });
    const { images, problems } = await readAll(await openCsvSource(csv()));
    assert.deepEqual(
      images.map(({ name }) => name),
      ['good.jpg', '7.jpg'],
    );
    const expected: readonly (readonly [number, RegExp])[] = [
      [2, /Column lat holds 'abc', which is not a number/],
      [3, /Column lat holds 95, expected -90 to 90/],
      [4, /Only one of the columns lat and lon is filled/],
      [5, /Column frame holds 1\.5, expected an integer/],
      [6, /Column timestamp holds 'yesterday'/],
      [7, /Column file is empty/],
      [8, /gone\.jpg does not exist/],
      [10, /listed a second time/],
    ];
    assert.equal(problems.length, expected.length);
    for (const [at, [line, message]] of expected.entries()) {
      assert.equal(problems[at]!.where, `${csv()} line ${line}`);
      assert.match(problems[at]!.problem, message);
    }
  });

  it('selects by role, condition and split', async () => {
    await folder.write({
      ...{ '1.jpg': '', '2.jpg': '', '3.jpg': '' },
      'index.csv': 'file,role,condition\n1.jpg,database,day\n2.jpg,query,day\n3.jpg,query,night',
      'split.csv': 'file,split\n1.jpg,validation_database\n3.jpg,validation_query',
    });
    const select = async (selection: { role?: string; condition?: string }): Promise<string[]> => {
      const { images } = await readAll(await openCsvSource(csv(), selection));
      return images.map(({ name, role }) => `${name} ${role ?? ''}`);
    };
    assert.deepEqual(await select({ role: 'query' }), ['2.jpg query', '3.jpg query']);
    assert.deepEqual(await select({ role: 'query', condition: 'day' }), ['2.jpg query']);
    assert.deepEqual(await select({ role: 'validation_query' }), ['3.jpg validation_query']);
    assert.deepEqual(await select({}), ['1.jpg database', '2.jpg query', '3.jpg query']);
  });

  it('can be read twice', async () => {
    await folder.write({ '1.jpg': '', 'index.csv': 'file\n1.jpg' });
    const source = await openCsvSource(csv());
    assert.equal(source.count, 1);
    assert.deepEqual(await readAll(source), await readAll(source));
  });

  const refusals: readonly (readonly [string, string, { role?: string; condition?: string }, RegExp])[] = [
    ['no column file', 'image,lat,lon\n', {}, /no column 'file'; its columns are: image, lat, lon/],
    ['lat without lon', 'file,lat\n', {}, /no column 'lon', which column 'lat' needs/],
    ['y_m without x_m', 'file,y_m\n', {}, /no column 'x_m', which column 'y_m' needs/],
    ['no rows', 'file\n', {}, /holds no images/],
    ['nothing at all', '', {}, /holds no images/],
    ['an open quote', 'file\n"1.jpg\n', {}, /not a CSV file that can be read/],
    [
      'an unknown role',
      'file,role\n1.jpg,query\n2.jpg,train\n',
      { role: 'database' },
      /role 'database': it has query, train/,
    ],
    ['an unknown condition', 'file\n1.jpg\n', { condition: 'night' }, /condition 'night': it names none/],
    [
      'a selection that leaves nothing',
      'file,role,condition\n1.jpg,a,x\n2.jpg,b,y\n',
      { role: 'a', condition: 'y' },
      /role 'a' and condition 'y' at once/,
    ],
  ];
  for (const [what, content, selection, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await folder.write({ 'index.csv': content });
      await assert.rejects(
        openCsvSource(csv(), selection),
        (error) => error instanceof NetvladError && error.code === 'bad-input' && message.test(error.message),
      );
    });
  }

  it('reads the reference sets without a problem', async function () {
    const counts = { cambridge_west: 2768, gardens_point: 600, nakamura_campus_robot: 72, corridor_fisheye: 222 };
    for (const [set, count] of Object.entries(counts)) {
      const path = sharedPath(this, 'data', set, 'index.csv');
      const { images, problems } = await readAll(await openCsvSource(path));
      assert.deepEqual([set, images.length, problems.length], [set, count, 0]);
    }
    const west = sharedPath(this, 'data', 'cambridge_west', 'index.csv');
    assert.equal((await openCsvSource(west, { role: 'validation_query' })).count, 212);
  });

  it('does not wait for a pipe', async () => {
    await folder.write({ 'whole.csv': 'file\na.jpg', 'a.jpg': '' });
    execFileSync('mkfifo', [csv()]);
    await assert.rejects(openImageSource(csv()), /index\.csv is a pipe or a device/);
    await assert.rejects(openImageSource(folder.path), /index\.csv is a pipe or a device/);
    execFileSync('mkfifo', [join(folder.path, 'split.csv')]);
    await assert.rejects(openCsvSource(join(folder.path, 'whole.csv')), /split\.csv is a pipe or a device/);
  });
});

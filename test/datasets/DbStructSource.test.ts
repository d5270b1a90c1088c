/** @file MATLAB files: the public Pittsburgh splits, and damaged ones. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { openDbStructSource, parseDbStruct, type DbStructImages } from '../../src/datasets/DbStructSource.ts';
import { parseMatFile } from '../../src/datasets/matFile.ts';
import { matWriter } from '../support/matBytes.ts';
import { readVectors, sharedPath } from '../support/sharedData.ts';
import { readAll, useFolder } from './sources.ts';

/** Pairs of query and database image at most `radiusM` apart. */
function countPositives(database: DbStructImages, queries: DbStructImages, radiusM: number): number {
  let pairs = 0;
  for (let q = 0; q < queries.utm.length; q += 2) {
    for (let d = 0; d < database.utm.length; d += 2) {
      const dx = queries.utm[q]! - database.utm[d]!;
      const dy = queries.utm[q + 1]! - database.utm[d + 1]!;
      if (dx * dx + dy * dy <= radiusM * radiusM) pairs++;
    }
  }
  return pairs;
}

describe('parseDbStruct', () => {
  it('reads Pittsburgh 30k: counts, names, and positions that give the published number of positives', function () {
    const path = sharedPath(this, 'reference', 'pitts30k_test_dbStruct.mat');
    const expected = readVectors(this, 'gt_pitts30k_test') as Record<string, number>;
    const struct = parseDbStruct(readFileSync(path), path);
    assert.equal(struct.set, 'test');
    assert.equal(struct.positiveDistanceM, 25);
    assert.equal(struct.database.names.length, expected.database);
    assert.equal(struct.queries.names.length, expected.queries);
    assert.equal(struct.database.names[0], '000/000829_pitch1_yaw1.jpg');
    assert.equal(countPositives(struct.database, struct.queries, 25), expected.positives_25m_total);
    assert.equal(countPositives(struct.database, struct.queries, 10), expected.positives_10m_total);
  });

  it('reads Pittsburgh 250k and the validation split', function () {
    const large = sharedPath(this, 'reference', 'pitts250k_test_dbStruct.mat');
    const struct = parseDbStruct(readFileSync(large), large);
    assert.deepEqual([struct.database.names.length, struct.queries.names.length], [83_952, 8280]);
    const small = sharedPath(this, 'reference', 'pitts30k_val_dbStruct.mat');
    const validation = parseDbStruct(readFileSync(small), small);
    assert.deepEqual(
      [validation.set, validation.database.names.length, validation.queries.names.length],
      ['val', 10_000, 7608],
    );
  });
});

describe('parseMatFile', () => {
  for (const order of ['little', 'big'] as const) {
    it(`reads numbers, text, cells and structures, ${order} endian`, () => {
      const write = matWriter(order);
      const bytes = write.file(
        write.numbers('a', [2, 2], [1, -2.5, 3, 4e300]),
        write.numbers('bytes', [1, 3], [7, 8, 255], 2),
        write.structure('s', { fn: write.cells('', [2, 1], [write.text('', 'one.jpg'), write.text('', 'zwölf')]) }),
      );
      const variables = parseMatFile(bytes, 'test.mat');
      assert.deepEqual(variables.get('a'), {
        ...{ kind: 'numbers', dimensions: [2, 2], values: Float64Array.of(1, -2.5, 3, 4e300) },
      });
      assert.deepEqual(variables.get('bytes'), {
        kind: 'numbers',
        dimensions: [1, 3],
        values: Float64Array.of(7, 8, 255),
      });
      const structure = variables.get('s');
      assert.ok(structure?.kind === 'structures');
      const cells = structure.elements[0]!.get('fn');
      assert.ok(cells?.kind === 'cells');
      assert.deepEqual(
        cells.cells.map((cell) => (cell.kind === 'text' ? cell.text : '')),
        ['one.jpg', 'zwölf'],
      );
    });
  }

  it('keeps single precision and knows objects of classes by their presence, in both byte orders', () => {
    for (const order of ['little', 'big'] as const) {
      const write = matWriter(order);
      const bytes = write.file(
        write.singles('w', [1, 1, 2, 1], [0.1, -3]),
        write.cells('layers', [1, 2], [write.object(), write.text('', 'after')]),
      );
      const variables = parseMatFile(bytes, 'test.mat');
      assert.deepEqual(variables.get('w'), {
        ...{ kind: 'numbers', dimensions: [1, 1, 2, 1], values: Float32Array.of(0.1, -3) },
      });
      const layers = variables.get('layers');
      assert.ok(layers?.kind === 'cells');
      assert.deepEqual(
        layers.cells.map(({ kind }) => kind),
        ['object', 'text'],
      );
    }
  });

  it('reads compressed variables', () => {
    const write = matWriter('little');
    const plain = write.numbers('x', [1, 2], [5, 6]);
    const packed = deflateSync(plain);
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(15);
    tag.writeUInt32LE(packed.length, 4);
    assert.deepEqual(
      parseMatFile(write.file(tag, packed, plain), 'test.mat'),
      parseMatFile(write.file(plain), 'test.mat'),
    );
  });

  const write = matWriter('little');
  const good = write.file(write.numbers('x', [1, 2], [5, 6]));
  const refusals: readonly (readonly [string, Buffer, RegExp])[] = [
    ['another file', Buffer.from('hello'), /test\.mat is not a MATLAB level 5 MAT-file/],
    ['version 7.3', Buffer.from('MATLAB 7.3 MAT-file, Platform: GLNXA64'.padEnd(600)), /version 7\.3 \(HDF5\)/],
    ['a truncated file', good.subarray(0, good.length - 8), /test\.mat is damaged/],
    [
      'an array class that is not read',
      Buffer.concat([good.subarray(0, 144), Buffer.of(5), good.subarray(145)]),
      /class 5/,
    ],
  ];
  for (const [what, bytes, message] of refusals) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseMatFile(bytes, 'test.mat'), message);
    });
  }
});

describe('openDbStructSource', () => {
  const folder = useFolder();
  const write = matWriter('little');
  const struct = (utmDb: number[]): Buffer =>
    write.file(
      write.structure('dbStruct', {
        whichSet: write.text('', 'test'),
        dbImageFns: write.cells('', [2, 1], [write.text('', 'db/1.jpg'), write.text('', 'db/2.jpg')]),
        utmDb: write.numbers('', [2, utmDb.length / 2], utmDb),
        qImageFns: write.cells('', [1, 1], [write.text('', 'q.jpg')]),
        utmQ: write.numbers('', [2, 1], [585_000.5, 4_477_000.25]),
      }),
    );

  it('yields roles and local metres, and reports missing images', async () => {
    await folder.write({ 'set.mat': struct([1, 2, 3, 4]), 'db/1.jpg': '', 'queries_real/q.jpg': '' });
    const path = join(folder.path, 'set.mat');
    const { images, problems } = await readAll(await openDbStructSource(path));
    assert.deepEqual(
      images.map(({ name, role, local }) => [name, role, local]),
      [
        ['database/db/1.jpg', 'database', { x: 1, y: 2, z: 0 }],
        ['query/q.jpg', 'query', { x: 585_000.5, y: 4_477_000.25, z: 0 }],
      ],
    );
    assert.equal(problems.length, 1);
    assert.match(problems[0]!.problem, /db\/2\.jpg does not exist/);
    assert.equal((await openDbStructSource(path, { role: 'query' })).count, 1);
    await assert.rejects(openDbStructSource(path, { role: 'train' }), /it has database, query/);
  });

  it('refuses positions that do not match the names, and files without dbStruct', async () => {
    await folder.write({ 'set.mat': struct([1, 2]), 'other.mat': write.file(write.text('x', 'y')) });
    await assert.rejects(openDbStructSource(join(folder.path, 'set.mat')), /utmDb of dbStruct must be 2 x 2 numbers/);
    await assert.rejects(openDbStructSource(join(folder.path, 'other.mat')), /holds no variable dbStruct/);
  });
});

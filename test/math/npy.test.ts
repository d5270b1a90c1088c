import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { parseNpy, toNpyHeader } from '../../src/math/npy.ts';

/** A file as NumPy writes it: magic, version, header length, header padded to 64, data. */
function file(header: string, data: Uint8Array, version = 1): Uint8Array {
  const lengthBytes = version === 1 ? 2 : 4;
  const total = Math.ceil((8 + lengthBytes + header.length + 1) / 64) * 64;
  const padded = `${header.padEnd(total - 8 - lengthBytes - 1)}\n`;
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntLE(padded.length, 0, lengthBytes);
  return Buffer.concat([Buffer.from([0x93, ...Buffer.from('NUMPY'), version, 0]), length, Buffer.from(padded), data]);
}

const header = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

describe('npy', () => {
  const cases: readonly { name: string; bytes: Uint8Array; shape: number[]; data: number[] }[] = [
    {
      name: 'float64',
      bytes: file(header('<f8', '(2,)'), new Uint8Array(Float64Array.of(0.1, -4500000.25).buffer)),
      ...{ shape: [2], data: [0.1, -4500000.25] },
    },
    {
      name: 'big-endian int16',
      bytes: file(header('>i2', '(2,)'), Uint8Array.of(0x01, 0x02, 0xff, 0xfe)),
      ...{ shape: [2], data: [258, -2] },
    },
    {
      name: 'int64',
      bytes: file(header('<i8', '(1, 1)'), new Uint8Array(BigInt64Array.of(-5n).buffer)),
      ...{ shape: [1, 1], data: [-5] },
    },
    {
      name: 'column-major, [[1, 2, 3], [4, 5, 6]]',
      bytes: file(header('|u1', '(2, 3)', 'True'), Uint8Array.of(1, 4, 2, 5, 3, 6)),
      ...{ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] },
    },
    {
      name: 'a scalar, header version 2',
      bytes: file(header('<f4', '()'), new Uint8Array(Float32Array.of(0.5).buffer), 2),
      ...{ shape: [], data: [0.5] },
    },
  ];
  for (const { name, bytes, shape, data } of cases) {
    it(`reads ${name}`, () => {
      const array = parseNpy(bytes);
      assert.deepEqual(array.shape, shape);
      assert.deepEqual([...array.data], data);
    });
  }

  const refused: readonly { name: string; bytes: Uint8Array; expected: RegExp }[] = [
    { name: 'other files', bytes: Buffer.from('PK\x03\x04 a zip archive'), expected: /not a \.npy array/ },
    {
      name: 'objects',
      bytes: file(header('|O', '(1,)'), new Uint8Array(8)),
      expected: /of type \|O; expected integers/,
    },
    {
      name: 'truncated data',
      bytes: file(header('<f4', '(3,)'), new Uint8Array(11)),
      expected: /truncated .* 139 of 140/,
    },
    {
      name: 'structured types',
      bytes: file(`{'descr': [('a', '<f4')]}`, new Uint8Array(0)),
      expected: /plain numbers/,
    },
  ];
  for (const { name, bytes, expected } of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseNpy(bytes), expected);
    });
  }

  it('reads what it writes, aligned to 64 bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1 }), fc.boolean(), (values, isFlat) => {
        const data = Float32Array.from(values);
        const shape = isFlat ? [data.length] : [data.length, 1];
        const head = toNpyHeader(shape, 'f4');
        assert.equal(head.length % 64, 0);
        const array = parseNpy(Buffer.concat([head, new Uint8Array(data.buffer)]));
        assert.deepEqual(array.shape, shape);
        assert.deepEqual(array.data, data);
      }),
    );
  });
});

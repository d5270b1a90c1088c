/** @file MAT-files of level 5 as bytes, for tests: made from the format's specification. */

type Order = 'little' | 'big';

/** Writes MAT-files of one byte order: just enough of the format for tests, made from its specification. */
export function matWriter(order: Order): {
  numbers(name: string, dimensions: number[], values: number[], type?: number): Buffer;
  singles(name: string, dimensions: number[], values: ArrayLike<number>): Buffer;
  text(name: string, text: string): Buffer;
  cells(name: string, dimensions: number[], cells: Buffer[]): Buffer;
  structure(name: string, fields: Record<string, Buffer>): Buffer;
  /** An object of a class: only its kind is told. */
  object(): Buffer;
  file(...variables: Buffer[]): Buffer;
} {
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (order === 'little') bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return bytes;
  };
  const element = (type: number, data: Buffer): Buffer =>
    Buffer.concat([word(type), word(data.length), data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
  const doubles = (values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 8);
    values.forEach((value, at) =>
      order === 'little' ? bytes.writeDoubleLE(value, at * 8) : bytes.writeDoubleBE(value, at * 8),
    );
    return bytes;
  };
  const matrix = (name: string, [arrayClass, ...dimensions]: number[], parts: Buffer[]): Buffer =>
    element(
      14,
      Buffer.concat([
        element(6, Buffer.concat([word(arrayClass!), word(0)])),
        element(5, Buffer.concat(dimensions.map(word))),
        element(1, Buffer.from(name, 'latin1')),
        ...parts,
      ]),
    );
  return {
    numbers: (name, dimensions, values, type = 9) =>
      matrix(name, [6, ...dimensions], [element(type, type === 9 ? doubles(values) : Buffer.from(values))]),
    singles: (name, dimensions, values) => {
      const bytes = Buffer.alloc(values.length * 4);
      for (let at = 0; at < values.length; at++) {
        if (order === 'little') bytes.writeFloatLE(values[at]!, at * 4);
        else bytes.writeFloatBE(values[at]!, at * 4);
      }
      return matrix(name, [7, ...dimensions], [element(7, bytes)]);
    },
    object: () =>
      element(14, Buffer.concat([element(6, Buffer.concat([word(17), word(0)])), element(1, Buffer.from('MCOS'))])),
    text: (name, text) => matrix(name, [4, 1, text.length], [element(16, Buffer.from(text))]),
    cells: (name, dimensions, cells) => matrix(name, [1, ...dimensions], cells),
    structure: (name, fields) => {
      const names = Object.keys(fields)
        .map((field) => field.padEnd(32, '\0'))
        .join('');
      return matrix(
        name,
        [2, 1, 1],
        [element(5, word(32)), element(1, Buffer.from(names, 'latin1')), ...Object.values(fields)],
      );
    },
    file: (...variables) => {
      const header = Buffer.alloc(128, ' ');
      header.write('MATLAB 5.0 MAT-file');
      header.write(order === 'little' ? '\0\x01IM' : '\x01\0MI', 124, 'latin1');
      return Buffer.concat([header, ...variables]);
    },
  };
}

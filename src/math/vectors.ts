/** @file Dense vectors: dot products, distances, L2 normalisation. */

export type FloatArray = Float32Array | Float64Array;

/** Norm below which a vector counts as zero and stays zero when normalised (as PyTorch's F.normalize). */
export const NORM_EPSILON = 1e-12;

/** Dot product over the length of `a`; four partial sums, so that the additions need not wait for each other. */
export function dot(a: FloatArray, b: FloatArray): number {
  const length = a.length;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

/** Dot product of row `row` of `matrix` [n, vector.length] with `vector`, without making a view. */
export function dotRow(matrix: FloatArray, row: number, vector: FloatArray): number {
  const length = vector.length;
  const base = row * length;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += matrix[base + i]! * vector[i]!;
    s1 += matrix[base + i + 1]! * vector[i + 1]!;
    s2 += matrix[base + i + 2]! * vector[i + 2]!;
    s3 += matrix[base + i + 3]! * vector[i + 3]!;
  }
  for (; i < length; i++) s0 += matrix[base + i]! * vector[i]!;
  return s0 + s1 + (s2 + s3);
}

/** Squared Euclidean distance. For unit vectors it is 2 - 2 dot(a, b). */
export function squaredDistance(a: FloatArray, b: FloatArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return sum;
}

/** [rows, columns] row-major to [columns, rows]. */
export function transposed(matrix: FloatArray, rows: number): Float64Array {
  const columns = matrix.length / rows;
  return Float64Array.from(matrix, (_unused, at) => matrix[(at % rows) * columns + Math.floor(at / rows)]!);
}

export function norm(vector: FloatArray): number {
  return Math.sqrt(dot(vector, vector));
}

/** Divides by the L2 norm in place and returns the same array; a zero vector stays zero. */
export function l2Normalize<T extends FloatArray>(vector: T): T {
  const divisor = Math.max(norm(vector), NORM_EPSILON);
  for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! / divisor;
  return vector;
}

/** L2-normalises every row of `matrix` [n, columns] in place and returns it. */
export function l2NormalizeRows<T extends FloatArray>(matrix: T, columns: number): T {
  for (let start = 0; start < matrix.length; start += columns) l2Normalize(matrix.subarray(start, start + columns));
  return matrix;
}

/** Index of the largest element, the first of equals; -1 for an empty array. */
export function argMax(values: ArrayLike<number>): number {
  let best = values.length === 0 ? -1 : 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

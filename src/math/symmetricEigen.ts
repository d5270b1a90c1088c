/** @file Eigen decomposition of a real symmetric matrix: Householder tridiagonalisation, then implicit QL. */

export interface SymmetricEigen {
  /** Descending. */
  readonly values: Float64Array;
  /** [n, n] row-major: row i is the unit eigenvector of value i. */
  readonly vectors: Float64Array;
}

interface Tridiagonal {
  /** [n] */
  readonly diagonal: Float64Array;
  /** [n]: element i joins i and i + 1; the last is 0. */
  readonly offDiagonal: Float64Array;
  /** [n, n]: rows of Q^T in A = Q T Q^T. */
  readonly basis: Float64Array;
}

/** A[rows >= k, columns >= k] -= v w^T + w v^T, on the full square so that every pass runs along rows. */
function rankTwoUpdate(a: Float64Array, n: number, v: Float64Array, w: Float64Array, k: number): void {
  for (let i = k; i < n; i++) {
    const row = i * n;
    const vi = v[i]!;
    const wi = w[i]!;
    for (let j = k; j < n; j++) a[row + j]! -= vi * w[j]! + wi * v[j]!;
  }
}

/** Basis = H_{n-3} ... H_1 H_0, built from the last reflection so that each touches only the lower right block. */
function accumulateReflections(reflections: Float64Array, betas: Float64Array, n: number): Float64Array {
  const basis = new Float64Array(n * n);
  for (let i = 0; i < n; i++) basis[i * n + i] = 1;
  for (let k = n - 3; k >= 0; k--) {
    const beta = betas[k]!;
    if (beta === 0) continue;
    const v = reflections.subarray(k * n, (k + 1) * n);
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let product = 0;
      for (let j = k + 1; j < n; j++) product += basis[row + j]! * v[j]!;
      product *= beta;
      for (let j = k + 1; j < n; j++) basis[row + j]! -= product * v[j]!;
    }
  }
  return basis;
}

/** Golub and Van Loan, Matrix Computations, algorithm 8.3.1. Destroys `a`. */
function tridiagonalize(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const reflections = new Float64Array(n * n);
  const betas = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    const v = reflections.subarray(k * n, (k + 1) * n);
    let squares = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = a[k * n + i]!;
      squares += v[i]! * v[i]!;
    }
    const alpha = v[k + 1]! > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
    offDiagonal[k] = alpha;
    const length = squares - alpha * v[k + 1]!; // half of |v|^2 after the next line
    v[k + 1]! -= alpha;
    if (length <= 0) continue;
    const beta = 1 / length;
    betas[k] = beta;
    let projection = 0;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let product = 0;
      for (let j = k + 1; j < n; j++) product += a[row + j]! * v[j]!;
      w[i] = beta * product;
      projection += w[i]! * v[i]!;
    }
    const correction = (beta / 2) * projection;
    for (let i = k + 1; i < n; i++) w[i]! -= correction * v[i]!;
    rankTwoUpdate(a, n, v, w, k + 1);
  }
  if (n >= 2) offDiagonal[n - 2] = a[(n - 2) * n + n - 1]!;
  for (let i = 0; i < n; i++) diagonal[i] = a[i * n + i]!;
  return { diagonal, offDiagonal, basis: accumulateReflections(reflections, betas, n) };
}

function rotateRows(basis: Float64Array, n: number, row: number, cosine: number, sine: number): void {
  const upper = row * n;
  const lower = upper + n;
  for (let j = 0; j < n; j++) {
    const high = basis[lower + j]!;
    const low = basis[upper + j]!;
    basis[lower + j] = sine * low + cosine * high;
    basis[upper + j] = cosine * low - sine * high;
  }
}

/** First index m >= start whose off-diagonal element is at most `negligible`. */
function findSplit({ diagonal, offDiagonal }: Tridiagonal, start: number, negligible: number): number {
  const last = diagonal.length - 1;
  for (let m = start; m < last; m++) if (Math.abs(offDiagonal[m]!) <= negligible) return m;
  return last;
}

/**
 * What rounding makes of a zero. Of the whole matrix, not of the neighbours on the diagonal: where the rank is low (fewer
 * samples than dimensions) these are rounding errors themselves, and nothing would be small beside them.
 */
function computeNegligible({ diagonal, offDiagonal }: Tridiagonal): number {
  let norm = 0;
  for (let i = 0; i < diagonal.length; i++)
    norm = Math.max(norm, Math.abs(diagonal[i]!) + Math.abs(offDiagonal[i] ?? 0));
  return Number.EPSILON * norm;
}

/** One implicit QL sweep with Wilkinson's shift over the unreduced block [start, end]. */
function sweep(matrix: Tridiagonal, start: number, end: number): void {
  const { diagonal, offDiagonal, basis } = matrix;
  const n = diagonal.length;
  const ratio = (diagonal[start + 1]! - diagonal[start]!) / (2 * offDiagonal[start]!);
  const root = Math.hypot(ratio, 1);
  let g = diagonal[end]! - diagonal[start]! + offDiagonal[start]! / (ratio + (ratio >= 0 ? root : -root));
  let [sine, cosine, shift] = [1, 1, 0];
  for (let i = end - 1; i >= start; i--) {
    const f = sine * offDiagonal[i]!;
    const b = cosine * offDiagonal[i]!;
    const r = Math.hypot(f, g);
    offDiagonal[i + 1] = r;
    if (r === 0) {
      // The block fell apart in the middle of the sweep: the next call takes the parts.
      diagonal[i + 1]! -= shift;
      offDiagonal[end] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    const rest = diagonal[i + 1]! - shift;
    const mix = (diagonal[i]! - rest) * sine + 2 * cosine * b;
    shift = sine * mix;
    diagonal[i + 1] = rest + shift;
    g = cosine * mix - b;
    rotateRows(basis, n, i, cosine, sine);
  }
  diagonal[start]! -= shift;
  offDiagonal[start] = g;
  offDiagonal[end] = 0;
}

const MAX_SWEEPS = 60;

/**
 * Eigenvalues and eigenvectors of the symmetric `matrix` [n, n] (only assumed symmetric, not changed). O(n^3): seconds
 * for n = 1000. Signs are fixed: the component of largest magnitude of every vector is positive, so that the result does
 * not depend on the path that led to it. Throws RangeError for NaN or infinite elements.
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  if (matrix.length !== n * n) throw new RangeError(`expected ${n} x ${n} elements, got ${matrix.length}`);
  if (!matrix.every(Number.isFinite)) throw new RangeError('the matrix holds NaN or infinite elements');
  const tridiagonal = tridiagonalize(matrix.slice(), n);
  const negligible = computeNegligible(tridiagonal);
  for (let start = 0; start < n; start++) {
    for (let sweeps = 0; ; sweeps++) {
      const end = findSplit(tridiagonal, start, negligible);
      if (end === start) break;
      if (sweeps === MAX_SWEEPS) throw new RangeError(`no convergence after ${MAX_SWEEPS} QL sweeps`);
      sweep(tridiagonal, start, end);
    }
  }
  return sortDescending(tridiagonal, n);
}

/** Turns the sign of `vector` in place so that its component of largest magnitude is positive. */
export function fixSign(vector: Float64Array): void {
  let largest = 0;
  for (let j = 1; j < vector.length; j++) if (Math.abs(vector[j]!) > Math.abs(vector[largest]!)) largest = j;
  if (vector[largest]! < 0) for (let j = 0; j < vector.length; j++) vector[j] = -vector[j]!;
}

function sortDescending({ diagonal, basis }: Tridiagonal, n: number): SymmetricEigen {
  const order = Array.from({ length: n }, (_unused, i) => i).sort((a, b) => diagonal[b]! - diagonal[a]! || a - b);
  const values = Float64Array.from(order, (i) => diagonal[i]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    const target = vectors.subarray(to * n, (to + 1) * n);
    target.set(basis.subarray(from * n, (from + 1) * n));
    fixSign(target);
  });
  return { values, vectors };
}

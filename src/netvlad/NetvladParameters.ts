/** @file The three sets of parameters of a NetVLAD layer; they start coupled and are trained independently. */

export interface NetvladParameters {
  /** K */
  readonly clusters: number;
  /** D, channels of the local features. */
  readonly dimension: number;
  /** w_k, [K, D] row-major: logits of the soft assignment are w_k . x + b_k. */
  readonly weights: Float64Array;
  /** b_k, [K]. */
  readonly bias: Float64Array;
  /** c_k, [K, D] row-major: residuals are x - c_k. */
  readonly centres: Float64Array;
}

/** `v1`: logits are scaled cosines (the published models). `v2`: equations 3 and 4 of the paper. */
export type NetvladVersion = 'v1' | 'v2';

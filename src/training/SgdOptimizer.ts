/** @file Stochastic gradient descent with momentum and weight decay, in the form both MatConvNet and PyTorch use. */

export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
}

/** A tensor that is trained. */
export interface TrainedTensor {
  readonly name: string;
  /** Updated in place. */
  readonly values: Float32Array;
  /** Rate of its group (head or backbone), before the schedule's factor. */
  readonly learningRate: number;
}

/** v = momentum v - g - weightDecay w; w += rate v. State is one velocity a tensor, saved in checkpoints. */
export class SgdOptimizer {
  readonly #options: SgdOptions;
  readonly #velocities: Map<string, Float32Array>;

  /** @param velocities the state of a checkpoint, to go on exactly where it stopped */
  constructor(options: SgdOptions, velocities: ReadonlyMap<string, Float32Array> = new Map()) {
    this.#options = options;
    this.#velocities = new Map([...velocities].map(([name, values]) => [name, values.slice()]));
  }

  get velocities(): ReadonlyMap<string, Float32Array> {
    return this.#velocities;
  }

  /** @param rateFactor the schedule's factor on every tensor's own rate */
  step(tensors: readonly TrainedTensor[], gradients: ReadonlyMap<string, Float32Array>, rateFactor: number): void {
    for (const tensor of tensors) {
      const gradient = gradients.get(tensor.name);
      if (gradient?.length !== tensor.values.length) {
        const received = gradient === undefined ? 'is missing' : `has ${gradient.length} values`;
        throw new RangeError(
          `SgdOptimizer: gradient of '${tensor.name}' ${received}, expected ${tensor.values.length}`,
        );
      }
      this.#update(tensor, gradient, rateFactor * tensor.learningRate);
    }
  }

  #update(tensor: TrainedTensor, gradient: Float32Array, rate: number): void {
    const { momentum, weightDecay } = this.#options;
    const velocity = this.#velocityOf(tensor);
    const values = tensor.values;
    for (let i = 0; i < values.length; i++) {
      const v = momentum * velocity[i]! - gradient[i]! - weightDecay * values[i]!;
      velocity[i] = v;
      values[i]! += rate * v;
    }
  }

  #velocityOf(tensor: TrainedTensor): Float32Array {
    let velocity = this.#velocities.get(tensor.name);
    if (velocity === undefined) {
      velocity = new Float32Array(tensor.values.length);
      this.#velocities.set(tensor.name, velocity);
    }
    return velocity;
  }
}

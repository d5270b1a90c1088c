/** @file Why a training run cannot go on, with what to change. */
import { NetvladError } from '../errors.ts';

interface Facts {
  readonly epoch: number;
  readonly step: number;
  /** Cache rows of the batch. */
  readonly rows: readonly number[];
}

export class TrainingFailure extends NetvladError {
  /** @param notFinite the loss, or a weight after the step */
  constructor(notFinite: 'loss' | 'weight', { epoch, step, rows }: Facts) {
    const what = notFinite === 'loss' ? 'the loss of' : 'a weight after';
    super('model', `Training: ${what} epoch ${epoch}, step ${step} is not a number.`, {
      hint: 'Lower the learning rate (training.headRate, training.backboneRate) in a new run. The checkpoints of this one are intact.',
      details: { epoch, step, rows: rows.join(' ') },
    });
  }
}

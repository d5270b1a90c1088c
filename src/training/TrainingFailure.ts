/** @file Why a training run cannot go on, with what to change. */
import { NetvladError } from '../errors.ts';

interface Facts {
  readonly epoch: number;
  readonly step: number;
  /** Cache rows of the batch. */
  readonly rows: readonly number[];
}

export class TrainingFailure extends NetvladError {
  readonly kind: 'not-finite';

  constructor(kind: 'not-finite', facts: Facts) {
    super('model', `Training: the loss of epoch ${facts.epoch}, step ${facts.step} is not a number.`, {
      hint: 'Lower the learning rate (training.headRate, training.backboneRate) and resume: the last checkpoint is intact.',
      details: { epoch: facts.epoch, step: facts.step, rows: facts.rows.join(' ') },
    });
    this.kind = kind;
  }
}

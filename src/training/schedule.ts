/** @file The learning rate and the age of the descriptor cache over the epochs: when the rate halves, the cache may age twice as long. */

export interface ScheduleOptions {
  /** The rate halves after so many epochs. */
  readonly halveEveryEpochs: number;
  /** Queries between two refreshes of the cache while the rate is whole. */
  readonly refreshEveryQueries: number;
}

/** @param epoch from 0 */
export function computeSchedule(
  epoch: number,
  options: ScheduleOptions,
): { rateFactor: number; refreshEveryQueries: number } {
  const halvings = Math.floor(epoch / options.halveEveryEpochs);
  return { rateFactor: 0.5 ** halvings, refreshEveryQueries: options.refreshEveryQueries * 2 ** halvings };
}

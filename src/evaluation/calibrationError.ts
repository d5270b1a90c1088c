/** @file Does a confidence of 0.8 mean right in 8 of 10 cases? Expected calibration error and the reliability diagram. */

/** A prediction with its claimed probability of being right, 0..1. */
export interface ConfidentAnswer {
  readonly confidence: number;
  readonly isCorrect: boolean;
}

/** One bar of the reliability diagram: confidences in (from, to]; the first bin includes 0. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence; NaN in an empty bin. */
  readonly confidence: number;
  /** Share that was right; NaN in an empty bin. */
  readonly accuracy: number;
}

export interface Reliability {
  /** Mean of |confidence - accuracy| over the bins, weighted by their counts; NaN without answers. */
  readonly ece: number;
  readonly bins: readonly ReliabilityBin[];
}

export function computeReliability(answers: readonly ConfidentAnswer[], binCount = 10): Reliability {
  const binOf = (confidence: number): number =>
    Math.min(binCount - 1, Math.max(0, Math.ceil(confidence * binCount) - 1));
  const members = Array.from({ length: binCount }, (): ConfidentAnswer[] => []);
  for (const answer of answers) members[binOf(answer.confidence)]!.push(answer);
  const bins = members.map((bin, index): ReliabilityBin => {
    const sum = bin.reduce((total, { confidence }) => total + confidence, 0);
    const correct = bin.filter(({ isCorrect }) => isCorrect).length;
    return {
      from: index / binCount,
      to: (index + 1) / binCount,
      count: bin.length,
      confidence: sum / bin.length,
      accuracy: correct / bin.length,
    };
  });
  const gap = bins.reduce((total, { count, confidence, accuracy }) => {
    return count === 0 ? total : total + count * Math.abs(confidence - accuracy);
  }, 0);
  return { ece: gap / answers.length, bins };
}

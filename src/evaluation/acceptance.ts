/** @file When may an answer be believed? The share of answers that a threshold accepts at a wanted precision. */

/** An answer with what speaks for it (up is better; NaN = nothing known) and whether it is right. */
export interface JudgedAnswer {
  readonly strength: number;
  readonly isCorrect: boolean;
}

export interface AcceptancePoint {
  /** Answers with at least this strength are accepted. */
  readonly threshold: number;
  /** Accepted share of all answers. */
  readonly accepted: number;
  /** Correct share of the accepted ones. */
  readonly precision: number;
}

/** One point for each distinct strength, strongest first; equal strengths are accepted together. */
export function computeAcceptanceCurve(answers: readonly JudgedAnswer[]): readonly AcceptancePoint[] {
  const sorted = answers.filter(({ strength }) => !Number.isNaN(strength)).sort((a, b) => b.strength - a.strength);
  const points: AcceptancePoint[] = [];
  let correct = 0;
  sorted.forEach(({ strength, isCorrect }, index) => {
    correct += isCorrect ? 1 : 0;
    if (sorted[index + 1]?.strength === strength) return;
    points.push({ threshold: strength, accepted: (index + 1) / answers.length, precision: correct / (index + 1) });
  });
  return points;
}

/** The point that accepts most while its precision is at least `precision`; null when none does. */
export function computeAcceptanceAt(answers: readonly JudgedAnswer[], precision: number): AcceptancePoint | null {
  const good = computeAcceptanceCurve(answers).filter((point) => point.precision >= precision);
  return good.at(-1) ?? null;
}

/** Area under the precision-recall curve, recall being the correct answers accepted of all correct answers (step rule). */
export function computeAveragePrecision(answers: readonly JudgedAnswer[]): number {
  const correct = answers.filter(({ isCorrect }) => isCorrect).length;
  let [area, recallBefore] = [0, 0];
  for (const { accepted, precision } of computeAcceptanceCurve(answers)) {
    const recall = (accepted * answers.length * precision) / correct;
    area += (recall - recallBefore) * precision;
    recallBefore = recall;
  }
  return area;
}

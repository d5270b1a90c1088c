/** @file What the debug image says: the decision, and the matches to show beside the query. Pure. */
import type { CandidateMatch, Decision } from '../localization/Localizer.ts';
import type { DebugMatch } from '../recognition/RecognitionEngine.ts';

/** More would be too small to see. */
const SHOWN = 4;

/** The hypotheses with their probabilities; where there are none, the retrieved places. */
export function describeDebugImage(
  decision: Decision,
  matches: readonly CandidateMatch[],
): { readonly title: string; readonly shown: readonly DebugMatch[] } {
  const title = `${decision.state} ${(100 * decision.confidence).toFixed(0)} %`;
  const hypotheses = decision.hypotheses.slice(0, SHOWN).map(({ place, probability, similarity }) => ({
    place,
    caption: `#${place} ${(100 * probability).toFixed(0)} %${formatSimilarity(similarity)}`,
  }));
  if (hypotheses.length > 0) return { title, shown: hypotheses };
  const candidates = matches.slice(0, SHOWN).map(({ place, similarity }) => ({
    place,
    caption: `#${place}${formatSimilarity(similarity)}`,
  }));
  return { title, shown: candidates };
}

/** Of a place that the filter still believes in but the index did not find for this image there is none. */
function formatSimilarity(similarity: number): string {
  return Number.isNaN(similarity) ? '' : ` (${similarity.toFixed(2)})`;
}

/** @file Which database images are one answer: the views of a panorama are found together and would fill the ranking. */
import type { FoundRow } from './judgeRetrieval.ts';
import { keepFirstOfGroup } from './recall.ts';
import type { JudgedImage } from './truthCriterion.ts';

/** By equal position, by equal place name, or by runs of N database rows (Tokyo 24/7: 12). */
export type UniqueBy = 'position' | 'place' | number;

/** Views of one panorama in the data sets at hand: 12 (Tokyo) and 24 (Pittsburgh). */
const VIEWS_PER_ANSWER = 24;

/** How many rows to retrieve so that `n` different answers are among them. */
export function countToRetrieve(n: number, by: UniqueBy | null): number {
  if (by === null) return n;
  return n * (typeof by === 'number' ? by : VIEWS_PER_ANSWER);
}

function groupOf(row: number, image: JudgedImage, by: UniqueBy): string {
  const alone = `row ${row}`;
  if (typeof by === 'number') return `run ${Math.floor(row / by)}`;
  if (by === 'place') return image.label === null ? alone : `place ${image.label}`;
  return image.pose === null ? alone : `at ${image.pose.x} ${image.pose.y}`;
}

/** `found` is best first; null keeps everything. */
export function keepUnique(
  found: readonly FoundRow[],
  database: readonly JudgedImage[],
  by: UniqueBy | null,
): readonly FoundRow[] {
  return by === null ? found : keepFirstOfGroup(found, ({ row }) => groupOf(row, database[row]!, by));
}

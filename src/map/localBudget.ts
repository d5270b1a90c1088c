/** @file Which places keep their local features when a map may hold only so many bytes of them. */
import type { Database } from 'better-sqlite3';

export interface LocalBudget {
  /** Largest sum of the stored vectors, bytes. */
  readonly bytes: number;
  /** Share of the places that keep theirs: 1 until the budget is reached, less with every thinning. */
  readonly share: number;
}

/** Each thinning leaves this much: the budget stays used to four fifths, and thinning stays rare. */
const THINNING = 0.8;

/** The golden section: its multiples spread over 0..1 more evenly than those of any other number. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Kept ids lie evenly along the order of the places, whatever its period (four headings of a panorama, say), and those
 * of a smaller share are among those of a larger one.
 */
export function keepsLocalFeatures(id: number, share: number): boolean {
  return (id * GOLDEN) % 1 < share;
}

export function readLocalBytes(db: Database): number {
  return db.prepare<[], number>('SELECT coalesce(sum(length(vectors)), 0) FROM local_features').pluck().get()!;
}

/** Removes features, evenly along the places, until the budget holds; returns it with the share that is left. */
export function thinLocalFeatures(db: Database, budget: LocalBudget): LocalBudget {
  const remove = db.prepare<[number]>('DELETE FROM local_features WHERE place_id = ?');
  let { share } = budget;
  let ids = db.prepare<[], number>('SELECT place_id FROM local_features').pluck().all();
  while (ids.length > 0 && readLocalBytes(db) > budget.bytes) {
    share *= THINNING;
    for (const id of ids) if (!keepsLocalFeatures(id, share)) remove.run(id);
    ids = ids.filter((id) => keepsLocalFeatures(id, share));
  }
  return { ...budget, share };
}

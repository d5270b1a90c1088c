/** @file The progress port: long work reports through it; how it looks is decided in cli/. */

export interface Progress {
  /** `total` is null while unknown; `note` is a short text shown behind the bar (loss, recall, file). */
  update(done: number, total: number | null, note?: string): void;
  finish(note?: string): void;
}

export const silentProgress: Progress = { update: () => undefined, finish: () => undefined };

/** @file Several files that are one recording. */
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';
import { BagTopicTable } from './BagTopicTable.ts';
import { joinRanges, type BagItem, type BagSource, type BagTopic, type TimeRange } from './BagSource.ts';
import { mergeByTime } from './mergeByTime.ts';

export class JoinedBag implements BagSource {
  readonly path: string;
  readonly description: string;
  readonly topics: readonly BagTopic[];
  readonly range: TimeRange | null;
  readonly #parts: readonly BagSource[];
  readonly #problems: readonly DatasetProblem[];

  constructor(path: string, parts: readonly BagSource[], problems: readonly DatasetProblem[]) {
    this.path = path;
    this.#parts = parts;
    this.#problems = problems;
    this.description =
      parts.length === 1 ? parts[0]!.description : `${parts.length} files, the first ${parts[0]!.description}`;
    const table = new BagTopicTable();
    for (const topic of parts.flatMap((part) => part.topics)) table.add(topic);
    this.topics = table.topics();
    this.range = joinRanges(parts.flatMap((part) => part.range ?? []));
  }

  async *messages(topics?: readonly string[]): AsyncGenerator<BagItem> {
    yield* this.#problems;
    yield* mergeByTime(
      this.#parts.map((part) => ({ startNs: part.range?.startNs ?? 0n, open: () => part.messages(topics) })),
    );
  }

  async close(): Promise<void> {
    for (const part of this.#parts) await part.close();
  }
}

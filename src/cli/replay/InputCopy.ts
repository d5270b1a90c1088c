/** @file The recording's own topics beside the results, so that one file shows what a viewer of a live run sees. */
import { isBagProblem, type BagItem, type BagSource, type BagTopic } from '../../bags/BagSource.ts';
import { canCopy } from '../../bags/McapRecordingWriter.ts';
import type { RecordingWriter } from '../../bags/RecordingWriter.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import type { OpenedInputs } from '../../evaluation/replay/openInputs.ts';

/** What the replay read, and what a viewer needs to place it. */
export function chooseCopiedTopics(bag: BagSource, opened: OpenedInputs): readonly BagTopic[] {
  const { image, odometryTopic, fixTopic, truth } = opened;
  const names = [image.name, odometryTopic, fixTopic, truth?.topic ?? null];
  return bag.topics.filter((topic) => {
    const { name, type } = topic;
    const isFrame = type === 'tf2_msgs/msg/TFMessage' || type === 'sensor_msgs/msg/CameraInfo';
    return (names.includes(name) || isFrame) && canCopy(topic);
  });
}

/** One more pass over the recording, kept in step with the results. */
export class InputCopy {
  readonly #messages: AsyncIterator<BagItem>;
  readonly #onProblem: (problem: DatasetProblem) => void;
  #next: BagItem | null = null;

  constructor(bag: BagSource, topics: readonly BagTopic[], onProblem: (problem: DatasetProblem) => void) {
    this.#messages = bag.messages(topics.map(({ name }) => name))[Symbol.asyncIterator]();
    this.#onProblem = onProblem;
  }

  /** Copies what was logged up to a time; all of the rest with null. */
  async copyUpTo(logTimeNs: bigint | null, writer: RecordingWriter): Promise<void> {
    for (;;) {
      const item = (this.#next ??= await this.#advance());
      if (item === null) return;
      if (isBagProblem(item)) this.#onProblem(item);
      else if (logTimeNs !== null && item.logTimeNs > logTimeNs) return;
      else await this.#copy(item, writer);
      this.#next = null;
    }
  }

  async #advance(): Promise<BagItem | null> {
    const step = await this.#messages.next();
    return step.done === true ? null : step.value;
  }

  async #copy(message: Exclude<BagItem, DatasetProblem>, writer: RecordingWriter): Promise<void> {
    try {
      await writer.copy(message);
    } catch (error) {
      if (message.topic.encoding === 'cdr') throw error; // nothing is decoded: the disk is full
      const where = `${message.topic.name} at ${message.logTimeNs} ns`;
      this.#onProblem({ problem: `A message cannot be copied: ${(error as Error).message}.`, where });
    }
  }
}

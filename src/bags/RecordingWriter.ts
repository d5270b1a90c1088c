/** @file The port of recordings being written. */
import type { BagMessage } from './BagSource.ts';
import type { RosMessages, RosTypeName } from './messages.ts';

export interface RecordingWriter {
  readonly path: string;
  /** Appends a message. Times of the log should not go back: readers of the file sort, but pay for it. */
  write<T extends RosTypeName>(topic: string, type: T, logTimeNs: bigint, message: RosMessages[T]): Promise<void>;
  /** Appends a message of another recording. */
  copy(message: BagMessage): Promise<void>;
  /** Completes the recording; only now it appears at its path. */
  close(): Promise<void>;
  /** Ends without a recording; does nothing after `close`. */
  abandon(): Promise<void>;
}

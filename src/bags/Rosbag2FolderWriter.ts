/** @file Writes a recording as `ros2 bag record -s mcap` does: a folder with metadata.yaml and one MCAP file. */
import { rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { NetvladError } from '../errors.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import type { BagMessage } from './BagSource.ts';
import { McapRecordingWriter, type McapWriterSettings } from './McapRecordingWriter.ts';
import type { RosMessages, RosTypeName } from './messages.ts';
import type { RecordingWriter } from './RecordingWriter.ts';
import { formatRosbag2Metadata } from './rosbag2Metadata.ts';

export class Rosbag2FolderWriter implements RecordingWriter {
  readonly path: string;
  /** Everything is written here, and the folder renamed at the end. */
  readonly #temporary: string;
  readonly #file: McapRecordingWriter;

  private constructor(path: string, temporary: string, file: McapRecordingWriter) {
    this.path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /** Throws `bad-input` when there is something at the path: like `ros2 bag record`, it replaces nothing. */
  static async create(given: string, settings: McapWriterSettings): Promise<Rosbag2FolderWriter> {
    const path = resolve(given); // `out/` and `out` are one folder
    if ((await stat(path).catch(() => null)) !== null) {
      throw new NetvladError('bad-input', `${given} is there already; a recording does not replace it.`, {
        hint: 'Name a folder that does not exist, or a file that ends in .mcap.',
      });
    }
    const temporary = `${path}.partial`;
    await rm(temporary, { recursive: true, force: true }); // of a run that was killed
    const file = await McapRecordingWriter.create(join(temporary, `${basename(path)}_0.mcap`), settings);
    return new Rosbag2FolderWriter(path, temporary, file);
  }

  async write<T extends RosTypeName>(
    topic: string,
    type: T,
    logTimeNs: bigint,
    message: RosMessages[T],
  ): Promise<void> {
    await this.#file.write(topic, type, logTimeNs, message);
  }

  async copy(message: BagMessage): Promise<void> {
    await this.#file.copy(message);
  }

  async close(): Promise<void> {
    await this.#file.close();
    const metadata = formatRosbag2Metadata(this.#file.summary, basename(this.#file.path));
    await writeFileAtomically(join(this.#temporary, 'metadata.yaml'), metadata);
    await rename(this.#temporary, this.path);
  }

  async abandon(): Promise<void> {
    await this.#file.abandon();
    await rm(this.#temporary, { recursive: true, force: true });
  }
}

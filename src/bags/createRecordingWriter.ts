/** @file Opens the writer that a path asks for: one MCAP file, or a rosbag2 folder around it. */
import { McapRecordingWriter, type McapWriterSettings } from './McapRecordingWriter.ts';
import type { RecordingWriter } from './RecordingWriter.ts';
import { Rosbag2FolderWriter } from './Rosbag2FolderWriter.ts';

/** `drive.mcap` is a file; any other name a folder with metadata.yaml, which `ros2 bag` takes. Missing folders are made. */
export async function createRecordingWriter(path: string, settings: McapWriterSettings = {}): Promise<RecordingWriter> {
  return path.endsWith('.mcap')
    ? McapRecordingWriter.create(path, settings)
    : Rosbag2FolderWriter.create(path, settings);
}

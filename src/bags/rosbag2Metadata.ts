/** @file `metadata.yaml` of a rosbag2 folder, read and written: which files belong to the recording, and what is in them. */
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { RecordingSummary } from './McapRecordingWriter.ts';

const metadataSchema = z.object({
  rosbag2_bagfile_information: z.object({ relative_file_paths: z.array(z.string()) }),
});

/** The files in recording order, relative to the folder. Throws with a reason when the text is no rosbag2 metadata. */
export function parseRosbag2Metadata(text: string): readonly string[] {
  const parsed = metadataSchema.safeParse(parse(text));
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data.rosbag2_bagfile_information.relative_file_paths;
}

/**
 * The metadata.yaml of a recording in one MCAP file. Version 5 is what ROS 2 Galactic to Jazzy and PyPI `rosbags` read alike;
 * later ones write the QoS profiles in a form that older players refuse.
 */
export function formatRosbag2Metadata({ topics, range }: RecordingSummary, file: string): string {
  const count = topics.reduce((sum, topic) => sum + topic.count, 0);
  const span = {
    duration: { nanoseconds: range === null ? 0n : range.endNs - range.startNs },
    starting_time: { nanoseconds_since_epoch: range?.startNs ?? 0n },
    message_count: count,
  };
  const information = {
    version: 5,
    storage_identifier: 'mcap',
    ...span,
    topics_with_message_count: topics.map(({ name, type, qos, count: message_count }) => ({
      topic_metadata: { name, type, serialization_format: 'cdr', offered_qos_profiles: qos },
      message_count,
    })),
    compression_format: '',
    compression_mode: '',
    relative_file_paths: [file],
    files: [{ path: file, ...span }],
  };
  return stringify({ rosbag2_bagfile_information: information }, { aliasDuplicateObjects: false });
}

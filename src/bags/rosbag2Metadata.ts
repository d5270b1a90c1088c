/** @file `metadata.yaml` of a rosbag2 folder: which files belong to the recording. */
import { parse } from 'yaml';
import { z } from 'zod';

const metadataSchema = z.object({
  rosbag2_bagfile_information: z.object({ relative_file_paths: z.array(z.string()) }),
});

/** The files in recording order, relative to the folder. Throws with a reason when the text is no rosbag2 metadata. */
export function parseRosbag2Metadata(text: string): readonly string[] {
  const parsed = metadataSchema.safeParse(parse(text));
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data.rosbag2_bagfile_information.relative_file_paths;
}

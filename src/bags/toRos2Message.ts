/** @file Messages of ROS 1 recordings with the field names of ROS 2, so that they can be written as CDR. */
import type { BagMessage } from './BagSource.ts';
import { decodeMessage } from './decodeMessage.ts';

/** ROS 2 field names are lower case: `K` of CameraInfo is `k`. `seq` of a header has no counterpart and is dropped. */
function rename(name: string, siblings: readonly string[]): string | null {
  if (name === 'seq' && siblings.includes('frame_id')) return null;
  if (name === 'nsec') return 'nanosec';
  return name.toLowerCase();
}

function convert(value: unknown): unknown {
  if (ArrayBuffer.isView(value) || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(convert);
  const entries = Object.entries(value);
  const names = entries.map(([name]) => name);
  return Object.fromEntries(
    entries.flatMap(([name, inner]) => {
      const renamed = rename(name, names);
      return renamed === null ? [] : [[renamed, convert(inner)]];
    }),
  );
}

/** Throws when the message cannot be decoded. */
export function toRos2Message(message: BagMessage): unknown {
  return convert(decodeMessage(message));
}

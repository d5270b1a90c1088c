/** @file Whether the images say when they were taken: truth, odometry and fixes are looked up by their stamps. */
import { countOf } from '../../countOf.ts';
import { formatTimestamp } from '../../datasets/timestamps.ts';
import type { ReplayFrame } from './ReplayFrame.ts';

/** What is odd about the stamps of a topic's images, in the order of the recording, and what it does to the results. */
export function checkStamps(frames: readonly Pick<ReplayFrame, 'stampNs'>[], topic: string): readonly string[] {
  const pairs = frames.slice(1).map(({ stampNs }, i) => ({ stampNs, beforeNs: frames[i]!.stampNs }));
  const same = pairs.filter(({ stampNs, beforeNs }) => stampNs === beforeNs);
  const earlier = pairs.filter(({ stampNs, beforeNs }) => stampNs < beforeNs);
  const oddities: string[] = [];
  if (same.length > 0) {
    const zero = same.every(({ stampNs }) => stampNs === 0n) ? ' (0: the driver does not fill in header.stamp)' : '';
    oddities.push(
      `Stamped as the one before: ${countOf(same.length, 'image')} of ${topic}${zero}. Truth, odometry and fixes are looked up by the ` +
        'stamp, and no time passes between equal ones: what is said of these images may be wrong.',
    );
  }
  const [first] = earlier;
  if (first !== undefined) {
    oddities.push(
      `Stamped earlier than the one before: ${countOf(earlier.length, 'image')} of ${topic}, first ${formatTimestamp(first.stampNs)} s ` +
        `after ${formatTimestamp(first.beforeNs)} s. The localizer starts anew there, as in the node.`,
    );
  }
  return oddities;
}

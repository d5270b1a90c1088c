/** @file ROS times as one bigint of nanoseconds, and back. */

/** builtin_interfaces/Time as ROS 2 writes it; ROS 1 calls the second field `nsec`. */
export interface RosTime {
  readonly sec: number;
  readonly nanosec: number;
}

const NS_PER_SECOND = 1_000_000_000n;

export function toRosTime(stampNs: bigint): RosTime {
  const nanosec = ((stampNs % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return { sec: Number((stampNs - nanosec) / NS_PER_SECOND), nanosec: Number(nanosec) };
}

/** Nanoseconds of a ROS 1 or ROS 2 time. */
export function parseRosTime(time: {
  readonly sec: number;
  readonly nanosec?: number;
  readonly nsec?: number;
}): bigint {
  return BigInt(time.sec) * NS_PER_SECOND + BigInt(time.nanosec ?? time.nsec ?? 0);
}

/** @file The node's time: the system's, or /clock with use_sim_time. */
import { parseRosTime } from '../bags/rosTime.ts';
import type { Destroyable, RosNode } from './RosNode.ts';

/** System time in nanoseconds; the resolution is that of the platform. */
export function readSystemTimeNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

/**
 * Follows /clock while `simulated`. The subscription is best effort, so that it matches both `ros2 bag play --clock` (best
 * effort) and reliable simulators.
 */
export class NodeTime {
  readonly #node: RosNode;
  readonly #onJumpBack: (fromNs: bigint, toNs: bigint) => void;
  #subscription: Destroyable | null = null;
  #simulatedNs: bigint | null = null;

  constructor(node: RosNode, onJumpBack: (fromNs: bigint, toNs: bigint) => void) {
    this.#node = node;
    this.#onJumpBack = onJumpBack;
  }

  set simulated(simulated: boolean) {
    if (simulated === (this.#subscription !== null)) return;
    if (!simulated) {
      this.destroy();
      return;
    }
    this.#subscription = this.#node.subscribe('rosgraph_msgs/msg/Clock', '/clock', {
      qos: { reliability: 'best_effort', durability: 'volatile', depth: 1 },
      onMessage: ({ clock }) => {
        this.#advance(parseRosTime(clock));
      },
    });
  }

  get simulated(): boolean {
    return this.#subscription !== null;
  }

  /** Null with use_sim_time before the first message on /clock. */
  get nowNs(): bigint | null {
    return this.simulated ? this.#simulatedNs : readSystemTimeNs();
  }

  destroy(): void {
    this.#subscription?.destroy();
    this.#subscription = null;
    this.#simulatedNs = null;
  }

  #advance(nowNs: bigint): void {
    const before = this.#simulatedNs;
    this.#simulatedNs = nowNs;
    if (before !== null && nowNs < before) this.#onJumpBack(before, nowNs);
  }
}

/** @file The slot never queues, never loses count, and survives a consumer that breaks. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CameraFrame } from '../../src/image/CameraFrame.ts';
import { LatestFrameSlot } from '../../src/recognition/LatestFrameSlot.ts';

function frame(stampNs: number): CameraFrame {
  return { kind: 'compressed', stampNs: BigInt(stampNs), frameId: 'camera', format: 'jpeg', data: new Uint8Array(1) };
}

/** A consumer that is finished by hand. */
function createManualConsumer(): {
  readonly seen: bigint[];
  readonly consume: (frame: CameraFrame) => Promise<void>;
  readonly finish: (error?: Error) => Promise<void>;
} {
  const seen: bigint[] = [];
  let settle: ((error?: Error) => void) | null = null;
  return {
    seen,
    consume: (taken) => {
      seen.push(taken.stampNs);
      return new Promise((resolve, reject) => {
        settle = (error) => {
          if (error === undefined) resolve();
          else reject(error);
        };
      });
    },
    finish: async (error) => {
      settle?.(error);
      settle = null;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('LatestFrameSlot', () => {
  it('gives the consumer the first frame at once and then the newest of those that came meanwhile', async () => {
    const consumer = createManualConsumer();
    const slot = new LatestFrameSlot(consumer.consume);
    for (const stamp of [1, 2, 3, 4]) slot.offer(frame(stamp));
    assert.deepEqual(consumer.seen, [1n]);
    assert.deepEqual(slot.counts, { received: 4, processed: 0, dropped: 2, failed: 0, waiting: 2 });
    await consumer.finish();
    assert.deepEqual(consumer.seen, [1n, 4n]);
    await consumer.finish();
    await slot.drain();
    assert.deepEqual(slot.counts, { received: 4, processed: 2, dropped: 2, failed: 0, waiting: 0 });
  });

  it('counts a frame as failed when the consumer breaks, and goes on with the next', async () => {
    const consumer = createManualConsumer();
    const slot = new LatestFrameSlot(consumer.consume);
    slot.offer(frame(1));
    slot.offer(frame(2));
    await consumer.finish(new Error('the worker died'));
    assert.deepEqual(consumer.seen, [1n, 2n]);
    await consumer.finish();
    assert.deepEqual(slot.counts, { received: 2, processed: 1, dropped: 0, failed: 1, waiting: 0 });
  });

  it('clear() drops what waits and leaves what is being consumed', async () => {
    const consumer = createManualConsumer();
    const slot = new LatestFrameSlot(consumer.consume);
    slot.offer(frame(1));
    slot.offer(frame(2));
    slot.clear();
    await consumer.finish();
    await slot.drain();
    assert.deepEqual(consumer.seen, [1n]);
    assert.deepEqual(slot.counts, { received: 2, processed: 1, dropped: 1, failed: 0, waiting: 0 });
  });

  it('keeps received = processed + dropped + failed + waiting and rising stamps through any history', async () => {
    const action = fc.constantFrom('offer', 'finish', 'break', 'clear');
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const consumer = createManualConsumer();
        const slot = new LatestFrameSlot(consumer.consume);
        let stamp = 0;
        for (const name of actions) {
          if (name === 'offer') slot.offer(frame((stamp += 1)));
          else if (name === 'clear') slot.clear();
          else await consumer.finish(name === 'break' ? new Error('broken') : undefined);
          const { received, processed, dropped, failed, waiting } = slot.counts;
          assert.equal(received, processed + dropped + failed + waiting);
          assert.equal(received, stamp);
          assert.ok(waiting >= 0 && waiting <= 2);
        }
        assert.deepEqual(
          consumer.seen,
          [...consumer.seen].sort((a, b) => Number(a - b)),
        );
      }),
      { numRuns: 200 },
    );
  });
});

/** @file A publisher that goes on: what best-effort topics need, whose first messages are lost before both sides have matched. */
import type { Message, RosPeer } from './RosPeer.ts';

/** Makes a subscription of the node reliable, so that a message to it is not lost while the two are still matching. */
export function reliable(topic: string): Readonly<Record<string, string>> {
  return { [`qos_overrides.${topic}.subscription.reliability`]: 'reliable' };
}

/** Publishes at about 20 Hz until the work is done. */
export async function whilePublishing<T>(
  peer: RosPeer,
  to: { readonly topic: string; readonly message: () => Message; readonly file?: string | undefined },
  work: () => Promise<T>,
): Promise<T> {
  let going = true;
  const playing = (async () => {
    while (going) {
      await peer.publish(to.topic, to.message(), to.file);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  try {
    return await work();
  } finally {
    going = false;
    await playing;
  }
}

/** Frames until one is answered: then camera, node and listener all know each other. Their stamps are of second 1. */
export async function warmUp(
  peer: RosPeer,
  camera: { readonly topic: string; readonly message: Message; readonly file: string },
): Promise<void> {
  const header = { stamp: { sec: 1, nanosec: 0 }, frame_id: 'camera' };
  const message = (): Message => ({ ...camera.message, header });
  peer.forget('/localizer/hypotheses');
  await peer.matched(camera.topic);
  await whilePublishing(peer, { topic: camera.topic, message, file: camera.file }, () =>
    peer.until('/localizer/hypotheses', () => true),
  );
}

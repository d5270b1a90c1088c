/** @file A camera as a process of its own: VGA rgb8 at a steady rate (peers/publish_images.py). */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { PROJECT } from './project.ts';

/** Resolves with the number of frames sent, when the time is over and the last have had time to arrive. */
export async function runCamera(
  topic: string,
  { rateHz, seconds }: { readonly rateHz: number; readonly seconds: number },
): Promise<number> {
  const script = path.join(PROJECT, 'test', 'ros', 'peers', 'publish_images.py');
  const camera = spawn('python3', [script, topic, String(rateHz), String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let sent = '';
  for await (const chunk of camera.stdout) sent += String(chunk);
  return Number(sent);
}

/** @file Zstandard as rosbag2 uses it: around single messages and around whole files. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Decompress, decompress } from 'fzstd';

const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;

/** A CDR message begins with 0 (its encapsulation), so the magic number alone tells a packed message from a plain one. */
export function isZstd(bytes: Uint8Array): boolean {
  return ZSTD_MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Throws when the bytes are damaged. */
export function unpackZstd(bytes: Uint8Array): Uint8Array {
  return decompress(bytes);
}

/** Unpacks a file as a stream. What was unpacked before damage or a cut stays in `to`; the result says what was wrong. */
export async function unpackZstdFile(from: string, to: string): Promise<{ readonly problem: string | null }> {
  const output = await open(to, 'w');
  try {
    const pending: Uint8Array[] = [];
    const stream = new Decompress((data) => pending.push(data.slice()));
    for await (const part of createReadStream(from, { highWaterMark: 1024 * 1024 })) {
      stream.push(part as Uint8Array);
      await writeAll(output, pending);
    }
    stream.push(new Uint8Array(0), true);
    await writeAll(output, pending);
    return { problem: null };
  } catch (error) {
    return { problem: (error as Error).message };
  } finally {
    await output.close();
  }
}

async function writeAll(output: { write(data: Uint8Array): Promise<unknown> }, pending: Uint8Array[]): Promise<void> {
  for (const data of pending.splice(0)) await output.write(data);
}

/** @file One small drive, written in every form that a reader may meet. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';
import zstd from '@foxglove/wasm-zstd';
import { McapWriter } from '@mcap/core';
import { FileHandleWritable } from '@mcap/nodejs';
import Database from 'better-sqlite3';
import { isBagProblem, type BagSource } from '../../../src/bags/BagSource.ts';
import { findRos2Definition } from '../../../src/bags/messageDefinitions.ts';
import { openBag } from '../../../src/bags/openBag.ts';
import { imageMessage, odometryMessage } from './rosMessageBuilders.ts';

export interface RawMessage {
  readonly topic: string;
  readonly type: string;
  readonly logTimeNs: bigint;
  readonly data: Uint8Array;
  /** Text of the definition in an MCAP; undefined = that of the type. Each text has a channel of its own. */
  readonly schema?: string;
}

export const CAMERA = '/camera/image_raw';
export const ODOM = '/odom';

/** Ten images at 2 Hz and forty odometry messages at 8 Hz, 1 m/s along x, in log order. */
export function driveMessages(): RawMessage[] {
  const start = 1_700_000_000_000_000_000n;
  const images = Array.from({ length: 10 }, (_, i) => {
    const stampNs = start + BigInt(i) * 500_000_000n;
    const data = encodeCdr('sensor_msgs/msg/Image', imageMessage(stampNs, 16, 12));
    return { topic: CAMERA, type: 'sensor_msgs/msg/Image', logTimeNs: stampNs + 3_000_000n, data };
  });
  const odometry = Array.from({ length: 40 }, (_, i) => {
    const stampNs = start + BigInt(i) * 125_000_000n;
    const data = encodeCdr('nav_msgs/msg/Odometry', odometryMessage(stampNs, i / 8, 0, 0));
    return { topic: ODOM, type: 'nav_msgs/msg/Odometry', logTimeNs: stampNs + 1_000_000n, data };
  });
  return [...images, ...odometry].sort((a, b) => Number(a.logTimeNs - b.logTimeNs));
}

export function encodeCdr(type: string, message: unknown): Uint8Array {
  return new MessageWriter(findRos2Definition(type)!.definitions).writeMessage(message);
}

/** MCAP by the library alone, with its options; messages in the order given. */
export async function writeMcap(
  path: string,
  messages: readonly RawMessage[],
  options: Partial<ConstructorParameters<typeof McapWriter>[0]> = {},
): Promise<void> {
  const file = await open(path, 'w');
  const writer = new McapWriter({ writable: new FileHandleWritable(file), chunkSize: 2000, ...options });
  await writer.start();
  const channels = new Map<string, number>();
  for (const { topic, type, logTimeNs, data, schema = findRos2Definition(type)!.text } of messages) {
    const key = JSON.stringify([topic, type, schema]);
    let channelId = channels.get(key);
    if (channelId === undefined) {
      const definition = { name: type, encoding: 'ros2msg', data: new TextEncoder().encode(schema) };
      const schemaId = await writer.registerSchema(definition);
      channelId = await writer.registerChannel({ schemaId, topic, messageEncoding: 'cdr', metadata: new Map() });
      channels.set(key, channelId);
    }
    await writer.addMessage({ channelId, sequence: 0, logTime: logTimeNs, publishTime: logTimeNs, data });
  }
  await writer.end();
  await file.close();
}

export async function zstdCompress(bytes: Uint8Array): Promise<Uint8Array> {
  await zstd.isLoaded;
  return zstd.compress(bytes);
}

/** rosbag2's SQLite storage (schema of `rosbag2_storage_sqlite3`). */
export function writeDb3(path: string, messages: readonly RawMessage[]): void {
  const db = new Database(path);
  db.exec(`
    CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
      serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);
    CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE INDEX timestamp_idx ON messages (timestamp ASC);`);
  const topics = new Map<string, bigint | number>();
  const addTopic = db.prepare(
    `INSERT INTO topics(name, type, serialization_format, offered_qos_profiles) VALUES (?, ?, 'cdr', '')`,
  );
  const addMessage = db.prepare('INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)');
  db.transaction(() => {
    for (const { topic, type, logTimeNs, data } of messages) {
      if (!topics.has(topic)) topics.set(topic, addTopic.run(topic, type).lastInsertRowid);
      addMessage.run(topics.get(topic), logTimeNs, data);
    }
  })();
  db.close();
}

/** A rosbag2 folder of several files, with the metadata.yaml that ROS writes, or without. */
export async function writeSplit(
  folder: string,
  messages: readonly RawMessage[],
  settings: { readonly parts: number; readonly metadata: boolean; readonly storage: 'db3' | 'mcap' },
): Promise<void> {
  mkdirSync(folder);
  const size = Math.ceil(messages.length / settings.parts);
  const names = Array.from({ length: settings.parts }, (_, i) => `drive_${i}.${settings.storage}`);
  for (const [i, name] of names.entries()) {
    const part = messages.slice(i * size, (i + 1) * size);
    if (settings.storage === 'db3') writeDb3(join(folder, name), part);
    else await writeMcap(join(folder, name), part);
  }
  if (!settings.metadata) return;
  const list = names.map((name) => `    - ${name}`).join('\n');
  writeFileSync(
    join(folder, 'metadata.yaml'),
    `rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: x\n  relative_file_paths:\n${list}\n`,
  );
}

export interface BagContents {
  readonly messages: readonly RawMessage[];
  readonly problems: readonly string[];
}

export async function readAll(bag: BagSource, topics?: readonly string[]): Promise<BagContents> {
  const messages: RawMessage[] = [];
  const problems: string[] = [];
  for await (const item of bag.messages(topics)) {
    if (isBagProblem(item)) problems.push(`${item.where}: ${item.problem}`);
    else {
      const { topic, logTimeNs, data } = item;
      messages.push({ topic: topic.name, type: topic.type, logTimeNs, data: Uint8Array.from(data) });
    }
  }
  return { messages, problems };
}

export async function readPath(path: string, topics?: readonly string[]): Promise<BagContents> {
  const bag = await openBag(path);
  try {
    return await readAll(bag, topics);
  } finally {
    await bag.close();
  }
}

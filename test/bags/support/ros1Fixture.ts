/** @file ROS 1 recordings for tests, written by the format's description alone (wiki.ros.org/Bags/Format/2.0). */
import { writeFileSync } from 'node:fs';
import { MessageWriter } from '@foxglove/rosmsg-serialization';
import { findRos1Definition } from '../../../src/bags/messageDefinitions.ts';

export interface Ros1Entry {
  readonly topic: string;
  /** `sensor_msgs/msg/Image`, as all our code spells it. */
  readonly type: string;
  readonly logTimeNs: bigint;
  readonly data: Uint8Array;
}

export interface Ros1Settings {
  /** Messages of one chunk. */
  readonly chunkMessages?: number;
  /** False: as the recorder leaves a `.bag.active` behind when it dies. */
  readonly index?: boolean;
  readonly pack?: (chunk: Uint8Array) => { readonly compression: string; readonly data: Uint8Array };
}

/** A message in the ROS 1 encoding; times are written with `nsec`. */
export function encodeRos1(type: string, message: unknown): Uint8Array {
  return new MessageWriter(findRos1Definition(type)!.definitions).writeMessage(message);
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const uint64 = (value: number): Buffer => Buffer.concat([uint32(value), uint32(0)]);
const time = (ns: bigint): Buffer =>
  Buffer.concat([uint32(Number(ns / 1_000_000_000n)), uint32(Number(ns % 1_000_000_000n))]);

function fields(entries: Readonly<Record<string, Uint8Array | string>>): Buffer {
  return Buffer.concat(
    Object.entries(entries).map(([name, value]) => {
      const content = Buffer.concat([Buffer.from(`${name}=`), typeof value === 'string' ? Buffer.from(value) : value]);
      return Buffer.concat([uint32(content.length), content]);
    }),
  );
}

function record(op: number, header: Readonly<Record<string, Uint8Array | string>>, data: Uint8Array): Buffer {
  const head = fields({ op: Uint8Array.of(op), ...header });
  return Buffer.concat([uint32(head.length), head, uint32(data.length), data]);
}

const MAGIC = Buffer.from('#ROSBAG V2.0\n');
/** The head is padded, so that it can be written anew when the positions are known. */
const HEADER_BYTES = 4096;

function bagHeader(indexPosition: number, connections: number, chunks: number): Buffer {
  const header = { index_pos: uint64(indexPosition), conn_count: uint32(connections), chunk_count: uint32(chunks) };
  const padding = HEADER_BYTES - record(3, header, new Uint8Array(0)).length;
  return record(3, header, Buffer.alloc(padding, ' '));
}

interface ChunkParts {
  readonly chunk: Buffer;
  readonly indexes: readonly Buffer[];
  /** The record at the end of the file that tells of the chunk. */
  readonly info: (position: number) => Buffer;
}

class Ros1Assembler {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #types: ReadonlyMap<string, string>;
  readonly #introduced = new Set<string>();

  constructor(messages: readonly Ros1Entry[]) {
    this.#types = new Map(messages.map(({ topic, type }) => [topic, type]));
    this.#ids = new Map([...this.#types.keys()].map((topic, id) => [topic, id]));
  }

  connections(): readonly Buffer[] {
    return [...this.#ids.keys()].map((topic) => this.#connection(topic));
  }

  /** Connections stand before their first message. */
  assemble(members: readonly Ros1Entry[], pack: NonNullable<Ros1Settings['pack']>): ChunkParts {
    const records: Buffer[] = [];
    const entries = new Map<number, Buffer[]>();
    for (const { topic, logTimeNs, data } of members) {
      if (!this.#introduced.has(topic)) records.push(this.#connection(topic));
      this.#introduced.add(topic);
      const id = this.#ids.get(topic)!;
      const offset = records.reduce((sum, { length }) => sum + length, 0);
      entries.set(id, [...(entries.get(id) ?? []), Buffer.concat([time(logTimeNs), uint32(offset)])]);
      records.push(record(2, { conn: uint32(id), time: time(logTimeNs) }, data));
    }
    const plain = Buffer.concat(records);
    const { compression, data } = pack(plain);
    const times = members.map(({ logTimeNs }) => logTimeNs).sort((a, b) => Number(a - b));
    const counts = [...entries].map(([id, list]) => Buffer.concat([uint32(id), uint32(list.length)]));
    const span = { start_time: time(times[0]!), end_time: time(times.at(-1)!), count: uint32(counts.length) };
    return {
      chunk: record(5, { compression, size: uint32(plain.length) }, data),
      indexes: [...entries].map(([id, list]) => {
        return record(4, { ver: uint32(1), conn: uint32(id), count: uint32(list.length) }, Buffer.concat(list));
      }),
      info: (position) => record(6, { ver: uint32(1), chunk_pos: uint64(position), ...span }, Buffer.concat(counts)),
    };
  }

  #connection(topic: string): Buffer {
    const type = this.#types.get(topic)!;
    const { text } = findRos1Definition(type)!;
    const facts = fields({ topic, type: type.replace('/msg/', '/'), md5sum: '*', message_definition: text });
    return record(7, { conn: uint32(this.#ids.get(topic)!), topic }, facts);
  }
}

export function writeRos1(path: string, messages: readonly Ros1Entry[], settings: Ros1Settings = {}): void {
  const { chunkMessages = 8, index = true, pack = (data: Uint8Array) => ({ compression: 'none', data }) } = settings;
  const assembler = new Ros1Assembler(messages);
  const connections = assembler.connections();
  const parts: Buffer[] = [];
  const infos: Buffer[] = [];
  let position = MAGIC.length + HEADER_BYTES;
  for (let start = 0; start < messages.length; start += chunkMessages) {
    const { chunk, indexes, info } = assembler.assemble(messages.slice(start, start + chunkMessages), pack);
    infos.push(info(position));
    for (const part of [chunk, ...(index ? indexes : [])]) {
      parts.push(part);
      position += part.length;
    }
  }
  const head = index ? bagHeader(position, connections.length, infos.length) : bagHeader(0, 0, 0);
  writeFileSync(path, Buffer.concat([MAGIC, head, ...parts, ...(index ? [...connections, ...infos] : [])]));
}

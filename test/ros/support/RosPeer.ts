/** @file The tests' side of peers/peer.py: an independent rclpy process on the same graph. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { PROJECT } from './project.ts';

export type Message = Readonly<Record<string, unknown>>;

export interface PeerQos {
  readonly reliability?: 'reliable' | 'best_effort';
  readonly durability?: 'volatile' | 'transient_local';
  readonly depth?: number;
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly topic?: string;
  readonly message?: Message;
}

interface Waiting {
  readonly topic: string;
  readonly accept: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
}

const PATIENCE_MS = 15_000;

/** What a failed test leaves behind must not keep the test process alive: the root hook ends it (benchmarks have none). */
const running = new Set<ChildProcessByStdio<Writable, Readable, null>>();
if (typeof after === 'function') {
  after(() => {
    for (const process of running) process.kill('SIGKILL');
  });
}

export class RosPeer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #messages = new Map<string, Message[]>();
  readonly #waiting = new Set<Waiting>();
  #nextId = 1;

  private constructor(process: ChildProcessByStdio<Writable, Readable, null>) {
    this.#process = process;
    running.add(process);
    process.once('exit', () => running.delete(process));
    createInterface({ input: process.stdout }).on('line', (line) => {
      this.#receive(JSON.parse(line.replace(/\bNaN\b/g, 'null')) as Answer);
    });
  }

  static async start(): Promise<RosPeer> {
    const script = path.join(PROJECT, 'test', 'ros', 'peers', 'peer.py');
    const peer = new RosPeer(spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await new Promise((resolve, reject) => peer.#calls.set(0, { resolve, reject }));
    return peer;
  }

  async subscribe(topic: string, type: string, qos: PeerQos = {}): Promise<void> {
    this.#messages.set(topic, []);
    await this.#command('subscribe', { topic, type, qos });
  }

  async advertise(topic: string, type: string, qos: PeerQos = {}): Promise<void> {
    await this.#command('advertise', { topic, type, qos });
  }

  async unadvertise(topic: string): Promise<void> {
    await this.#command('unadvertise', { topic });
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.#command('unsubscribe', { topic });
  }

  /** Until a publisher of the peer has subscriptions, or a topic has publishers. */
  async matched(topic: string, count = 1): Promise<void> {
    await this.#command('matched', { topic, count });
  }

  async publish(topic: string, message: Message, file?: string): Promise<void> {
    await this.#command('publish', { topic, message, ...(file === undefined ? {} : { file }) });
  }

  async call<T = Message>(service: string, type: string, request: Message = {}): Promise<T> {
    return (await this.#command('call', { service, type, request })) as T;
  }

  async services(prefix: string): Promise<readonly string[]> {
    return (await this.#command('services', { prefix })) as readonly string[];
  }

  async topics(prefix: string): Promise<readonly string[]> {
    return (await this.#command('topics', { prefix })) as readonly string[];
  }

  /** Types by the name of the topic or service. */
  async types(prefix: string): Promise<Readonly<Record<string, readonly string[]>>> {
    return (await this.#command('types', { prefix })) as Readonly<Record<string, readonly string[]>>;
  }

  /** What came on a topic so far. */
  messages(topic: string): readonly Message[] {
    return this.#messages.get(topic) ?? [];
  }

  forget(topic: string): void {
    this.#messages.set(topic, []);
  }

  /** The first message, of those that came or will come, that is accepted. */
  async until(topic: string, accept: (message: Message) => boolean, patienceMs = PATIENCE_MS): Promise<Message> {
    const known = this.messages(topic).find(accept);
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const last = (): string => JSON.stringify(this.messages(topic).at(-1) ?? null).slice(0, 3000);
      const timer = setTimeout(() => {
        reject(new Error(`${topic}: not what was waited for within ${patienceMs} ms; the last message is ${last()}`));
      }, patienceMs);
      const waiting: Waiting = {
        topic,
        accept,
        resolve: (message) => {
          clearTimeout(timer);
          this.#waiting.delete(waiting);
          resolve(message);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  async stop(): Promise<void> {
    this.#process.stdin.end();
    await once(this.#process, 'exit');
  }

  #command(op: string, fields: Message): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#calls.set(id, { resolve, reject });
      this.#process.stdin.write(`${JSON.stringify({ id, op, ...fields })}\n`);
    });
  }

  #receive({ id, result, error, topic, message }: Answer): void {
    if (id !== undefined) {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    } else if (topic !== undefined && message !== undefined) {
      this.#messages.get(topic)?.push(message);
      for (const waiting of [...this.#waiting]) {
        if (waiting.topic === topic && waiting.accept(message)) waiting.resolve(message);
      }
    }
  }
}

/** @file Headless Chromium by its DevTools protocol over a pipe: what a page says, what it asks for, how it looks. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as rest } from 'node:timers/promises';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The path of a Chromium; null where there is none. */
export function findBrowser(): string | null {
  for (const name of NAMES) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // the next one
    }
  }
  return null;
}

/** The browser's helper processes outlive it by some milliseconds and may still write: what they add is removed in another go. */
async function removeProfile(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rm(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await rest(100);
    }
  }
}

type Json = Readonly<Record<string, unknown>>;

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly message: string };
}

export interface PageView {
  readonly width: number;
  readonly theme: 'light' | 'dark';
}

export interface OpenedPage {
  /** Errors, warnings and uncaught exceptions, in words. */
  readonly complaints: readonly string[];
  /** Addresses that the page asked for; its own first. */
  readonly requests: readonly string[];
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** PNG of the whole page. */
  screenshot(): Promise<Uint8Array>;
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #calls = new Map<number, { resolve: (result: Json) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Set<(method: string, params: Json) => void>();
  #nextId = 1;
  #rest = '';

  private constructor(path: string, profile: string) {
    this.#profile = profile;
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`];
    this.#process = spawn(path, [...flags, '--remote-debugging-pipe', 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      this.#receive(text);
    });
  }

  static start(path: string): Browser {
    return new Browser(path, mkdtempSync(join(tmpdir(), 'netvlad-browser-')));
  }

  /** Opens an address in a page of its own and waits until it has loaded and drawn. */
  async open(url: string, { width, theme }: PageView): Promise<OpenedPage> {
    const { targetId } = await this.#call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#call('Target.attachToTarget', { targetId, flatten: true });
    const call = (method: string, params: Json = {}): Promise<Json> => this.#call(method, params, sessionId as string);
    const complaints: string[] = [];
    const requests: string[] = [];
    const loaded = new Promise<void>((resolve) => {
      this.#listeners.add((method, params) => {
        const complaint = complaintIn(method, params);
        if (complaint !== null) complaints.push(complaint);
        if (method === 'Network.requestWillBeSent') requests.push((params.request as { readonly url: string }).url);
        if (method === 'Page.loadEventFired') resolve();
      });
    });
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await call(`${domain}.enable`);
    const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 };
    await call('Emulation.setDeviceMetricsOverride', metrics);
    await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: theme }] });
    await call('Page.navigate', { url });
    await loaded;
    const evaluate = async (expression: string): Promise<unknown> => {
      const { result } = await call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
      return (result as { readonly value?: unknown }).value;
    };
    await evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    const screenshot = async (): Promise<Uint8Array> => {
      const { data } = await call('Page.captureScreenshot', { captureBeyondViewport: true });
      return Buffer.from(data as string, 'base64');
    };
    return { complaints, requests, evaluate, screenshot };
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
    await removeProfile(this.#profile);
  }

  #call(method: string, params: Json, sessionId?: string): Promise<Json> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#calls.set(id, { resolve, reject });
      (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Messages end with a zero byte. */
  #receive(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop()!;
    for (const message of messages) {
      const { id, method, params, result, error } = JSON.parse(message) as Answer;
      if (method !== undefined) for (const listener of this.#listeners) listener(method, params ?? {});
      if (id === undefined) continue;
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result ?? {});
      else call?.reject(new Error(error.message));
    }
  }
}

function complaintIn(method: string, params: Json): string | null {
  if (method === 'Runtime.exceptionThrown') return JSON.stringify(params.exceptionDetails);
  if (method === 'Log.entryAdded') {
    const { level, text } = params.entry as { readonly level: string; readonly text: string };
    return level === 'error' || level === 'warning' ? text : null;
  }
  if (method !== 'Runtime.consoleAPICalled') return null;
  return params.type === 'error' || params.type === 'warning' ? JSON.stringify(params.args) : null;
}

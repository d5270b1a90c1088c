/** @file The far side of an engine: numbered calls and their answers, in a process or a thread of their own. */
import type { EngineConfig, RecognitionEngine } from './RecognitionEngine.ts';
import { toSerializedError, type EngineCall, type WorkerReply, type WorkerRequest } from './workerProtocol.ts';

export class EngineServer {
  readonly #open: (config: EngineConfig) => Promise<RecognitionEngine>;
  #engine: RecognitionEngine | null = null;
  #closing = false;

  constructor(open: (config: EngineConfig) => Promise<RecognitionEngine>) {
    this.#open = open;
  }

  /** From the `close` call on. */
  get isClosing(): boolean {
    return this.#closing;
  }

  /** Never rejects: what went wrong is the answer. */
  async answer(request: WorkerRequest): Promise<WorkerReply> {
    const { id } = request;
    try {
      return { id, value: await this.#run(request) };
    } catch (error) {
      return { id, error: toSerializedError(error) };
    }
  }

  async #run(request: WorkerRequest): Promise<unknown> {
    if (request.call === 'open') {
      this.#engine = await this.#open(request.args[0]);
      return this.#engine.facts;
    }
    if (request.call === 'close') {
      this.#closing = true;
      await this.#engine?.dispose();
      return null;
    }
    if (this.#engine === null) throw new Error(`Call '${request.call}' before 'open'.`);
    const methods = this.#engine as unknown as Record<EngineCall, (...args: readonly unknown[]) => Promise<unknown>>;
    return methods[request.call](...request.args);
  }
}

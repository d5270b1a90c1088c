/** @file Numbered calls to an engine in another process or thread that were not answered yet. */
import { toError, type WorkerReply } from './workerProtocol.ts';

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();
  #nextId = 1;

  get count(): number {
    return this.#calls.size;
  }

  /** What is answered to the call that `send` sends off under the number it is given. */
  add(send: (id: number) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#calls.set(id, { resolve, reject });
      send(id);
    });
  }

  settle(reply: WorkerReply): void {
    const call = this.#calls.get(reply.id);
    this.#calls.delete(reply.id);
    if ('error' in reply) call?.reject(toError(reply.error));
    else call?.resolve(reply.value);
  }

  /** Those who would have answered are gone. */
  rejectAll(error: Error): void {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

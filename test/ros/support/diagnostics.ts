/** @file Waits for what /diagnostics says of one status. */
import type { Message, RosPeer } from './RosPeer.ts';

export interface Status {
  readonly level: number;
  readonly name: string;
  readonly message: string;
  readonly values: Readonly<Record<string, string>>;
}

export const LEVEL = { ok: 0, warn: 1, error: 2 } as const;

export async function listenToDiagnostics(peer: RosPeer): Promise<void> {
  await peer.subscribe('/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray');
}

function statusOf(message: Message, task: string): Status | undefined {
  const statuses = message.status as readonly (Omit<Status, 'values'> & {
    readonly values: readonly { readonly key: string; readonly value: string }[];
  })[];
  const found = statuses.find(({ name }) => name.endsWith(`: ${task}`));
  return found && { ...found, values: Object.fromEntries(found.values.map(({ key, value }) => [key, value])) };
}

/** From now on: the first status of a task that is accepted. */
export async function untilStatus(peer: RosPeer, task: string, accept: (status: Status) => boolean): Promise<Status> {
  peer.forget('/diagnostics');
  const message = await peer.until('/diagnostics', (candidate) => {
    const status = statusOf(candidate, task);
    return status !== undefined && accept(status);
  });
  return statusOf(message, task)!;
}

/** From now on: the first status whose text matches; the test then judges its level. */
export function untilSaid(peer: RosPeer, task: string, pattern: RegExp): Promise<Status> {
  return untilStatus(peer, task, ({ message }) => pattern.test(message));
}

/** @file Runs the command line in this process: for many short runs, where starting a process each would take the time. */
import { main } from '../../src/cli/main.ts';
import type { CommandRun } from './runNetvlad.ts';

function capture(stream: NodeJS.WriteStream, into: (text: string) => void): () => void {
  const original = stream.write.bind(stream);
  const write = (chunk: string | Uint8Array): boolean => {
    into(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    return true;
  };
  stream.write = write;
  return () => {
    stream.write = original;
  };
}

function readExitCode(): number {
  return Number(process.exitCode ?? 0);
}

/** One at a time: stdout, stderr and the exit code are the process's own. */
export async function runMain(args: readonly string[]): Promise<CommandRun> {
  let [stdout, stderr] = ['', ''];
  const release = [
    capture(process.stdout, (text) => (stdout += text)),
    capture(process.stderr, (text) => (stderr += text)),
  ];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await main([process.execPath, 'netvlad', ...args]);
    return { code: readExitCode(), stdout, stderr };
  } finally {
    for (const restore of release) restore();
    process.exitCode = before;
  }
}

/** @file The messages between WorkerRecognizer and its worker process: numbered calls and their answers. */
import { NetvladError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import type { EngineConfig, RecognitionEngine } from './RecognitionEngine.ts';

/** The methods of the engine that are called across the processes. */
export type EngineCalls = Pick<RecognitionEngine, 'recognize' | 'addPlace' | 'saveMap' | 'renderMatches'>;
export type EngineCall = keyof EngineCalls;

export type WorkerRequest =
  | { readonly id: number; readonly call: 'open'; readonly args: readonly [EngineConfig] }
  | { readonly id: number; readonly call: 'close'; readonly args: readonly [] }
  | { readonly id: number; readonly call: EngineCall; readonly args: readonly unknown[] };

/** The worker's last words: an exception that nobody caught. */
export interface WorkerFailure {
  readonly failure: SerializedError;
}

export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly details: ErrorDetails;
  readonly stack: string | null;
}

export type WorkerReply =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: SerializedError };

/** Structured cloning keeps an error's message only; this keeps what our errors carry. */
export function toSerializedError(error: unknown): SerializedError {
  const known = error instanceof NetvladError ? error : null;
  return {
    code: known?.code ?? 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: known?.hint ?? null,
    details: known?.details ?? {},
    stack: error instanceof Error ? (error.stack ?? null) : null,
  };
}

export function toError({ code, message, hint, details, stack }: SerializedError): NetvladError {
  const error = new NetvladError(code, message, { details, ...(hint === null ? {} : { hint }) });
  if (stack !== null) error.stack = stack;
  return error;
}

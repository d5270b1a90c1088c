/** @file The error family. Constructors take facts; the message says what was expected, what was received, what to do. */

/** Facts that travel with an error beside its sentence; they appear in `--json` output and in logs. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** What a command's exit code and a log line need to know about a failure. */
export type ErrorCode =
  | 'usage' // the command line is wrong
  | 'bad-input' // a file or record of the user's is wrong
  | 'model' // a model file or its manifest cannot be used
  | 'map' // a map file cannot be used
  | 'environment' // something is missing on this machine (ROS, a provider, a library)
  | 'interrupted'
  | 'internal';

/** Base of every error that we raise on purpose. `hint` is the sentence that tells the user what to do next. */
export class NetvladError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly hint?: string; readonly details?: ErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'NetvladError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** The sentence of any thrown value, with the hint of ours where there is one. */
export function describeError(error: unknown): string {
  if (error instanceof NetvladError) return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

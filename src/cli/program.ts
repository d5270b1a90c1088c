/** @file The program around the commands: name, version, help, and the exit code of a wrong command line. */
import { Command, CommanderError, Help, type Option } from 'commander';
import { TOOL_VERSION } from '../version.ts';
import { EXIT } from './exitCodes.ts';
import { watchOutput } from './outputFailure.ts';

/** Every command file in `commands/` exports one of these. */
export type Registration = (program: Command) => void;

/** The order of `registrations` is the order in `--help`. */
export function createProgram(registrations: readonly Registration[]): Command {
  const program = new Command('netvlad')
    .description('Visual place recognition: build maps, judge them, replay recordings, train descriptors.')
    .version(TOOL_VERSION)
    .showHelpAfterError('(add --help for the options)')
    .configureHelp({ optionDescription: describeOption })
    .exitOverride();
  program.hook('preAction', (_program, command) => {
    assertFilled(command);
  });
  for (const register of registrations) register(program);
  return program;
}

/** Commander says what is the default, not what must be given. */
function describeOption(option: Option): string {
  const description = new Help().optionDescription(option);
  return option.mandatory ? `${description} (required)` : description;
}

/** `--out "$OUT"` with a variable that is not set: nobody means the empty name, and work would go on until it is written. */
function assertFilled(command: Command): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (value === '' || (Array.isArray(value) && value.includes(''))) {
      command.error(`error: option '${option.flags}' is given an empty value`);
    }
  }
  if (command.args.includes('')) command.error('error: an argument is empty');
}

export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  watchOutput();
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

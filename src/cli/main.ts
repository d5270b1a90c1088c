/** @file `netvlad`: registers one file a command and parses the arguments. */
import { Command, CommanderError } from 'commander';
import { TOOL_VERSION } from '../version.ts';
import { registerDatasetCommand } from './commands/dataset.ts';
import { EXIT } from './exitCodes.ts';

/** Every command file in `commands/` exports one of these; the order here is the order in `--help`. */
const REGISTRATIONS: readonly ((program: Command) => void)[] = [registerDatasetCommand];

export function createProgram(): Command {
  const program = new Command('netvlad')
    .description('Visual place recognition: build maps, judge them, replay recordings, train descriptors.')
    .version(TOOL_VERSION)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  for (const register of REGISTRATIONS) register(program);
  return program;
}

export async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

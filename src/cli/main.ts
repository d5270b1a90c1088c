/** @file `netvlad`: all the commands, one file each. */
import { registerDatasetCommand } from './commands/dataset.ts';
import { registerDoctorCommand } from './commands/doctor.ts';
import { registerEvaluateCommand } from './commands/evaluate.ts';
import { registerMapCommand } from './commands/map.ts';
import { registerModelCommand } from './commands/model.ts';
import { registerQueryCommand } from './commands/query.ts';
import { registerReplayCommand } from './commands/replay.ts';
import { registerTrainCommand } from './commands/train.ts';
import { registerSimulateCommand } from './commands/simulate.ts';
import { createProgram, runProgram, type Registration } from './program.ts';

/** The order here is the order in `--help`. */
const REGISTRATIONS: readonly Registration[] = [
  registerMapCommand,
  registerQueryCommand,
  registerEvaluateCommand,
  registerReplayCommand,
  registerTrainCommand,
  registerModelCommand,
  registerDatasetCommand,
  registerSimulateCommand,
  registerDoctorCommand,
];

export async function main(argv: readonly string[]): Promise<void> {
  await runProgram(createProgram(REGISTRATIONS), argv);
}

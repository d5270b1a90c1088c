/** @file `netvlad doctor` where the other commands cannot be loaded (bin/netvlad.js). */
import { createProgram, runProgram } from './program.ts';
import { registerDoctorCommand } from './commands/doctor.ts';

export async function main(argv: readonly string[]): Promise<void> {
  await runProgram(createProgram([registerDoctorCommand]), argv);
}

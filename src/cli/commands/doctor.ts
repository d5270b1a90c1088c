/** @file `netvlad doctor`: what works on this machine, and what to do about the rest. */
import { Option, type Command } from 'commander';
import { countStates, formatChecks, type Check } from '../doctor/Check.ts';
import { checkCuda, readCudaFacts } from '../doctor/checkCuda.ts';
import { checkMap, checkModel, findDefaultModel, type KnownModel } from '../doctor/checkFiles.ts';
import { checkNativeLibraries, checkNodeVersion } from '../doctor/checkNode.ts';
import { computeRosChecks, readRosFacts } from '../doctor/checkRos.ts';
import { EXIT } from '../exitCodes.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';

interface DoctorFlags {
  readonly model?: readonly string[];
  readonly provider?: 'cpu' | 'cuda';
  readonly json?: boolean;
}

async function examine(maps: readonly string[], { model = [], provider }: DoctorFlags): Promise<readonly Check[]> {
  const native = await checkNativeLibraries();
  const checks: Check[] = [checkNodeVersion(process.versions.node), ...native];
  const runtimeWorks = native.every(({ name, state }) => name !== 'onnxruntime-node' || state === 'ok');
  if (runtimeWorks) checks.push(checkCuda(readCudaFacts(), provider === 'cuda'));
  checks.push(...computeRosChecks(readRosFacts(process.env)));
  if (!runtimeWorks) return checks; // models and maps cannot be read without it
  const known: KnownModel[] = [];
  for (const path of [await findDefaultModel(), ...model]) {
    const result = await checkModel(path);
    checks.push(result.check);
    if (result.model !== null) known.push(result.model);
  }
  for (const path of maps) checks.push(await checkMap(path, known));
  return checks;
}

async function runDoctor(maps: readonly string[], flags: DoctorFlags, context: CommandContext): Promise<void> {
  const checks = await examine(maps, flags);
  context.output({ checks, counts: countStates(checks) }, formatChecks(checks));
  if (countStates(checks).fail > 0) process.exitCode = EXIT.failed;
}

export function registerDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Say what works on this machine, and what to do about the rest.')
    .argument('[maps...]', 'map files to check as well')
    .option('--model <file...>', 'models to check besides the default one')
    .addOption(new Option('--provider <name>', 'cuda: count an unusable GPU as a failure').choices(['cpu', 'cuda']))
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Every line is OK, WARN (works, or matters only for some uses) or FAIL, with the cure below it.
ROS is looked at as this shell has it: source it first (. scripts/ros-env.sh) to have the node's side checked.
Exit code 1 when something fails that is needed.`,
    )
    .action((maps: string[], flags: DoctorFlags) => runCommand(flags, (context) => runDoctor(maps, flags, context)));
}

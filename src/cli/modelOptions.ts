/** @file The descriptor model as every command that describes images takes it. */
import { Option, type Command } from 'commander';
import { findDefaultModel, loadModel } from '../inference/loadModel.ts';
import type { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import type { Provider } from '../inference/OnnxSession.ts';
import type { Logger } from '../Logger.ts';
import { PARAMETERS } from '../ros/parameters.ts';
import { parseInteger } from './optionValues.ts';

const [, MOST_THREADS] = PARAMETERS.inference_threads.range;

export interface ModelFlags {
  readonly model?: string;
  readonly provider: Provider;
  readonly threads?: number;
}

export function addModelOptions(command: Command): Command {
  return command
    .option(
      '--model <file>',
      'descriptor model: name.onnx with name.json beside it (default: the one that comes with the package)',
    )
    .addOption(new Option('--provider <name>', 'where the network runs').choices(['cpu', 'cuda']).default('cpu'))
    .option('--threads <n>', 'threads of one inference (default: the physical cores)', parseInteger(1, MOST_THREADS));
}

/** With `--provider cuda` the cpu steps in where CUDA does not work. */
export function toProviders({ provider }: ModelFlags): readonly Provider[] {
  return provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'];
}

/** The log says why when the first provider is not the one that runs. */
export async function openModelFromFlags(flags: ModelFlags, logger: Logger): Promise<OnnxDescriptorModel> {
  return loadModel(flags.model ?? findDefaultModel(), {
    providers: toProviders(flags),
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    logger,
  });
}

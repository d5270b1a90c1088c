/** @file `netvlad replay`: the whole localizer over a recording, judged. */
import type { Command } from 'commander';
import { openBag } from '../../bags/openBag.ts';
import { assertApart, filesIn } from '../../assertApart.ts';
import { splitTruthName } from '../../evaluation/replay/readTruth.ts';
import { REPORT_FILES } from '../../evaluation/replay/writeReplay.ts';
import { makeFolder } from '../../makeFolder.ts';
import { EnginePool } from '../../recognition/EnginePool.ts';
import { openEngine } from '../../recognition/openEngine.ts';
import type { EngineConfig } from '../../recognition/RecognitionEngine.ts';
import { WorkerRecognizer } from '../../recognition/WorkerRecognizer.ts';
import type { ParameterValues } from '../../ros/parameters.ts';
import { addModelOptions, toProviders } from '../modelOptions.ts';
import { parseInteger, parsePositiveNumber } from '../optionValues.ts';
import { readNodeParameters } from '../replay/readNodeParameters.ts';
import { ReplayRun, type ReplayEngine, type ReplayFlags } from '../replay/ReplayRun.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';

function toEngineConfig(flags: ReplayFlags, values: ParameterValues): EngineConfig {
  return {
    model: flags.model ?? values.model,
    map: flags.map,
    providers: flags.provider === 'cuda' ? toProviders(flags) : (values.providers as EngineConfig['providers']),
    threads: flags.threads ?? values.inference_threads,
    index: values.index as EngineConfig['index'],
    verifyTopK: values.verify_top_k,
    createMap: false,
  };
}

/** Before the work: results must not go over what they are of, and the report's folder must be one. */
async function assertWritable(path: string, { map, params, groundTruth, out, report }: ReplayFlags): Promise<void> {
  await assertApart(
    [{ name: '--out', path: out }, ...filesIn('--report', report, REPORT_FILES)],
    [
      { name: 'the recording', path },
      { name: '--ground-truth', path: groundTruth === undefined ? undefined : splitTruthName(groundTruth).path },
      { name: '--map', path: map },
      { name: '--params', path: params },
    ],
  );
  if (report !== undefined) await makeFolder(report);
}

async function replay(path: string, flags: ReplayFlags, context: CommandContext): Promise<void> {
  await assertWritable(path, flags);
  const given = await readNodeParameters(flags.params);
  const values = flags.verify === undefined ? given : { ...given, verify_top_k: flags.verify };
  const bag = await openBag(path);
  try {
    const config = toEngineConfig(flags, values);
    const engine = await openReplayEngine(config, flags);
    try {
      await new ReplayRun({ bag, ...engine, values, flags, context }).run();
    } finally {
      await engine.recognizer.dispose();
    }
  } finally {
    await bag.close();
  }
}

async function openReplayEngine(config: EngineConfig, flags: ReplayFlags): Promise<ReplayEngine> {
  const wantsPictures = flags.out !== undefined && flags.debugImage !== false;
  if (flags.speed === undefined && !wantsPictures) {
    const pool = await EnginePool.open(config);
    return { recognizer: pool, facts: pool.facts, painter: null, ahead: pool.ahead };
  }
  // A paced run needs the clock of this thread while the network is at work; a picture the frame that was recognized last.
  const engine =
    flags.speed === undefined ? await openEngine({ ...config, throughput: true }) : await WorkerRecognizer.open(config);
  return { recognizer: engine, facts: engine.facts, painter: wantsPictures ? engine : null, ahead: 1 };
}

export function registerReplayCommand(program: Command): void {
  addModelOptions(program.command('replay'))
    .description('Run the whole localizer over a recording, with the parameters of the node, and judge it.')
    .argument('<bag>', 'recording: .mcap, rosbag2 folder, .db3 or ROS 1 .bag')
    .requiredOption('--map <file>', 'map file (*.vprmap)')
    .option('--params <file.yaml>', "the node's parameter file (section localizer or /**)")
    .option('--report <folder>', 'write report.html, report.json, frames.csv, trajectory.tum, timings.json')
    .option('--out <path>', "write the results on the node's own topics: file.mcap, or a new rosbag2 folder")
    .option('--with-inputs', 'copy camera, odometry, fix, truth and tf of the recording into --out')
    .option('--no-debug-image', 'leave the debug image out of --out: smaller, and several times faster')
    .option('--speed <x>', 'at x times the recorded pace, dropping images as the node would', parsePositiveNumber)
    .option(
      '--ground-truth <what>',
      'true positions: a topic of the recording, a TUM file (.txt, .tum), a CSV, another recording or a topic of it (other.mcap:/gps/fix), or none (default: /ground_truth)',
    )
    .option('--radius <m>', 'right = within so many metres (default: ground_truth_radius)', parsePositiveNumber)
    .option('--frames <n>', 'right = at most so many frames away in the order of the images', parseInteger(0))
    .option('--image-topic <name>', 'camera topic (default: the only one)')
    .option('--odom-topic <name>', 'odometry topic, or none (default: the only one)')
    .option('--fix-topic <name>', 'NavSatFix topic used as a position prior, or none (default: the only one)')
    .option('--verify <k>', 'spatially verify the best K candidates; 0 = off (default: verify_top_k)', parseInteger(0))
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The recording is read as fast as the machine can; nothing is dropped, and the same recording gives the same report.json.
With --speed 1 images come at the recorded pace and are overtaken as in the node; the report then tells the latency.

  netvlad replay drive.mcap --map city.vprmap --report out/drive --out out/drive.mcap
  netvlad replay drive.bag --map city.vprmap --params localizer.yaml --ground-truth /gps/fix`,
    )
    .action((path: string, flags: ReplayFlags) => runCommand(flags, (context) => replay(path, flags, context)));
}

/** @file `netvlad query`: where were these images taken? Matches and pose hypotheses of single images. */
import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { NetvladError } from '../../errors.ts';
import { findDefaultModel } from '../../inference/loadModel.ts';
import { createLocalizer } from '../../localization/createLocalizer.ts';
import type { Decision, Localizer } from '../../localization/Localizer.ts';
import { parseCalibration } from '../../localization/PlaceCalibration.ts';
import type { Place } from '../../map/Place.ts';
import { openEngine } from '../../recognition/openEngine.ts';
import type { RecognitionEngine } from '../../recognition/RecognitionEngine.ts';
import { formatQuery } from '../formatQuery.ts';
import { addModelOptions, toProviders, type ModelFlags } from '../modelOptions.ts';
import { parseInteger } from '../optionValues.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';
import { countOf } from '../../countOf.ts';

interface QueryFlags extends ModelFlags {
  readonly map: string;
  readonly k: number;
  readonly verify: number;
  readonly index: 'auto' | 'exact' | 'hnsw';
  readonly json?: boolean;
}

/** One image's answer, or why there is none. */
export type QueryAnswer =
  | { readonly image: string; readonly problem: string }
  | {
      readonly image: string;
      readonly matches: readonly {
        readonly place: Place;
        readonly similarity: number;
        /** Null = not verified. */
        readonly evidence: number | null;
      }[];
      readonly decision: Decision;
    };

/** A candidate list long enough for the localizer to see more than one place. */
const CANDIDATES = 20;

interface QueryTools {
  readonly engine: RecognitionEngine;
  readonly localizer: Localizer;
  readonly places: ReadonlyMap<number, Place>;
}

async function readImage(path: string): Promise<Uint8Array | string> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { ENOENT: 'It does not exist.', EISDIR: 'It is a folder, not an image.' }[code ?? ''] ?? message;
  }
}

async function answer(image: string, k: number, { engine, localizer, places }: QueryTools): Promise<QueryAnswer> {
  const data = await readImage(image);
  if (typeof data === 'string') return { image, problem: data };
  const frame = { kind: 'compressed', stampNs: 0n, frameId: '', format: '', data } as const;
  const recognition = await engine.recognize(frame, Math.max(k, CANDIDATES));
  if (recognition.kind === 'rejected') return { image, problem: recognition.problem.message };
  const matches = recognition.matches.slice(0, k).map(({ place, similarity, evidence }) => ({
    place: places.get(place)!,
    similarity,
    evidence: Number.isNaN(evidence) ? null : evidence,
  }));
  const decision = localizer.process({ stampNs: 0n, matches: recognition.matches, odometry: null, fix: null });
  return { image, matches, decision };
}

async function query(images: readonly string[], flags: QueryFlags, context: CommandContext): Promise<void> {
  const engine = await openEngine({
    model: flags.model ?? findDefaultModel(),
    map: flags.map,
    providers: toProviders(flags),
    threads: flags.threads ?? 0,
    index: flags.index,
    verifyTopK: flags.verify,
    createMap: false,
  });
  try {
    const { places, datum, calibration } = engine.facts.map;
    const localizer = createLocalizer({
      ...{ places, datum, calibration: parseCalibration(calibration) },
      options: { sequence: false },
    });
    const tools = { engine, localizer, places: new Map(places.map((place) => [place.id, place])) };
    const answers: QueryAnswer[] = [];
    for (const image of images) {
      context.signal.throwIfAborted();
      answers.push(await answer(image, flags.k, tools));
    }
    context.output({ map: flags.map, queries: answers }, answers.map(formatQuery).join('\n\n'));
    assertAllUsable(answers);
  } finally {
    await engine.dispose();
  }
}

/** Like cat: the good ones have been answered, the exit code tells of the others. */
function assertAllUsable(answers: readonly QueryAnswer[]): void {
  const bad = answers.filter((given) => 'problem' in given);
  if (bad.length === 0) return;
  const list = bad.map(({ image, problem }) => `${image}: ${problem}`).join('\n  ');
  throw new NetvladError(
    'bad-input',
    `${bad.length} of ${countOf(answers.length, 'image')} could not be used:\n  ${list}`,
  );
}

export function registerQueryCommand(program: Command): void {
  addModelOptions(program.command('query'))
    .description('Say where images were taken: the best matches in a map and the pose hypotheses made of them.')
    .argument('<images...>', 'image files')
    .requiredOption('--map <file>', 'map file (*.vprmap)')
    .option('-k <n>', 'matches shown for each image', parseInteger(1), 5)
    .option('--verify <k>', 'spatially verify the best K candidates; 0 = off', parseInteger(0), CANDIDATES)
    .addOption(
      new Option('--index <kind>', 'search; auto is exact up to 20,000 places')
        .choices(['auto', 'exact', 'hnsw'])
        .default('auto'),
    )
    .option('--json', 'print one JSON document')
    .action((images: string[], flags: QueryFlags) => runCommand(flags, (context) => query(images, flags, context)));
}

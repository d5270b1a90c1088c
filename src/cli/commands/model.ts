/** @file `netvlad model`: look into a model, try it out, make one from a foreign network, make one smaller. */
import path from 'node:path';
import { Option, type Command } from 'commander';
import { NetvladError } from '../../errors.ts';
import { isFrameProblem } from '../../image/FrameLimits.ts';
import type { RgbImage } from '../../image/RgbImage.ts';
import { checkModel, type ModelCheck } from '../../inference/checkModel.ts';
import { findDefaultModel } from '../../inference/loadModel.ts';
import { formatModelInfo, readModelInfo } from '../../inference/modelInfo.ts';
import { decodeContent } from '../../datasets/decodeContent.ts';
import { BACKBONE_NAMES, type BackboneName } from '../../onnx/backbones/backbones.ts';
import { collectImages } from '../../training/drawImages.ts';
import { importModel } from '../../training/importModel.ts';
import { quantizeModel } from '../../training/quantizeModel.ts';
import { openSourceFromFlags } from '../imageSource.ts';
import { parseInteger, parsePositiveNumber } from '../optionValues.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';
import { countOf } from '../../countOf.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface ImportFlags extends JsonFlag {
  readonly from: 'pytorch' | 'matlab' | 'onnx';
  readonly out: string;
  readonly backbone?: BackboneName;
  readonly map?: string;
  readonly descriptor?: string;
  readonly pooling?: 'max' | 'gem';
  readonly width?: number;
  readonly height?: number;
  readonly resize?: string;
  readonly kernel?: string;
  readonly colour?: string;
  readonly scale?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly weightsFrom?: string;
  readonly licence: string;
}

const UNKNOWN_LICENCE = 'unknown';

const IMPORT_HELP = `
From a PyTorch checkpoint the architecture named by --backbone is built (torchvision's layer names), cut at its dense map, and
--pooling is put behind it. From an ONNX file (operator set 13 to 17) either a dense map is pooled (--map) or an output that
is a descriptor already is taken as it is (--descriptor); where the network has one output, its shape decides. For NetVLAD with its clusters from images, name the same file as
'backbone' in a training config and run: netvlad train --epochs 0.

From a .mat file a network of the NetVLAD authors is read (MatConvNet simplenn: VGG16 or AlexNet, VLAD or max pooling, whitening)
with its mean image; it says itself what it computes. Its custom layers must be structures and the file of level 5: where they are
not, the message says what to type in MATLAB.

The input options must say what the network was trained with: pixels are multiplied by --scale, then (x - mean) / std.

Examples:
  netvlad model import resnet18.pth --from pytorch --backbone resnet18 --out models/resnet18_gem.onnx --licence BSD-3-Clause
  netvlad model import vd16_pitts30k_conv5_3_vlad_preL2_intra_white.mat --from matlab --out models/vgg16_netvlad.onnx --licence MIT
  netvlad model import cosplace.onnx --from onnx --descriptor output --width 512 --height 384 --out models/cosplace.onnx --licence MIT`;

function parseTriple(text: string): readonly number[] {
  const values = text.split(',').map(Number);
  if (values.length === 3 && values.every(Number.isFinite)) return values;
  throw new NetvladError('usage', `Expected three numbers, e.g. 0.485,0.456,0.406, got '${text}'.`);
}

async function showInfo(file: string | undefined, context: CommandContext): Promise<void> {
  const info = await readModelInfo(file ?? findDefaultModel());
  context.output(info, formatModelInfo(info));
}

function formatChecks(checks: readonly ModelCheck[]): string {
  return checks.map(({ ok, name, detail }) => `${ok ? 'ok  ' : 'FAIL'} ${name}: ${detail}`).join('\n');
}

async function check(file: string | undefined, context: CommandContext): Promise<void> {
  const modelPath = file ?? findDefaultModel();
  const checks = await checkModel(modelPath);
  const ok = checks.every((each) => each.ok);
  context.output({ model: modelPath, ok, checks }, formatChecks(checks));
  if (!ok) throw new NetvladError('model', `Model ${modelPath} does not pass its checks.`);
}

/** What a published network says itself cannot be chosen. */
function assertNotChosen({ from, backbone, map, descriptor, pooling }: ImportFlags): void {
  const chosen = Object.entries({ backbone, map, descriptor, pooling }).find(([, value]) => value !== undefined);
  if (from !== 'matlab' || chosen === undefined) return;
  throw new NetvladError('usage', `--${chosen[0]} has no meaning with --from matlab: the file says it itself.`);
}

async function importForeign(file: string, flags: ImportFlags, context: CommandContext): Promise<void> {
  assertNotChosen(flags);
  const { width, height, resize, kernel, colour, scale, mean, std } = flags;
  const input = Object.entries({ width, height, resize, kernel, colour, scale, mean, std });
  const files = await importModel({
    ...{ file, out: flags.out, map: flags.map, descriptor: flags.descriptor, pooling: flags.pooling ?? 'gem' },
    backbone: flags.from === 'pytorch' ? (flags.backbone ?? 'mobilenetv2') : flags.from,
    input: Object.fromEntries(input.filter(([, value]) => value !== undefined)),
    weightsFrom: flags.weightsFrom ?? path.basename(file),
    licence: flags.licence,
  });
  if (flags.licence === UNKNOWN_LICENCE) {
    context.logger.warn("the manifest says licence 'unknown'; name it with --licence before you pass the model on.");
  }
  const checks = await checkModel(files.manifestPath);
  const text = `${files.onnxPath}: ${files.manifest.descriptor.dimension} dimensions\n${formatChecks(checks)}`;
  context.output({ model: files.onnxPath, manifest: files.manifest, checks }, text);
  if (!checks.every((each) => each.ok))
    throw new NetvladError('model', `${files.onnxPath} was written but does not pass its checks.`);
}

interface QuantizeFlags extends JsonFlag {
  readonly out: string;
  readonly images?: string;
  readonly count: number;
}

/** Descriptors nearer than this have kept recall in all that was measured (docs/models.md). */
const LEAST_COSINE = 0.99;

const QUANTIZE_HELP = `
The weights are stored as int8 with a scale for each output channel, which makes the file about four times smaller; the smallest
tensors stay float. When the model is opened they are widened to float32, so that it is as fast as before and needs as much memory:
this is for disks and transfers. The descriptors change a little: images are described by both models and the cosines are
printed; with --images of the place of use they say what to expect. A map must be built with the model that queries it.

Example:
  netvlad model quantize models/vgg16_netvlad.onnx --out models/vgg16_netvlad_int8.onnx --images city/`;

/** Up to `count` images, evenly over the source. */
async function loadSamples(sourcePath: string, count: number, context: CommandContext): Promise<readonly RgbImage[]> {
  const listed = await collectImages(await openSourceFromFlags(sourcePath, {}), context.logger);
  const images: RgbImage[] = [];
  const used = Math.min(count, listed.length);
  for (let i = 0; i < used; i++) {
    context.signal.throwIfAborted();
    const image = await decodeContent(listed[Math.floor((i * listed.length) / used)]!);
    if (isFrameProblem(image)) context.logger.warn(image.message);
    else images.push(image);
  }
  if (images.length > 0) return images;
  throw new NetvladError('bad-input', `${sourcePath} has no image that can be read.`);
}

async function quantize(file: string, flags: QuantizeFlags, context: CommandContext): Promise<void> {
  const images = flags.images === undefined ? [] : await loadSamples(flags.images, flags.count, context);
  const { files, bytes, tensors, cosine } = await quantizeModel({ file, out: flags.out, images });
  const share = (bytes.before / bytes.after).toFixed(1);
  const megabytes = [bytes.before, bytes.after].map((each) => `${(each / 1e6).toFixed(2)} MB`).join(' to ');
  const what = `${cosine.images} ${cosine.synthetic ? 'made-up pictures' : 'images'}`;
  const numbers = `at least ${cosine.least.toFixed(4)}, ${cosine.mean.toFixed(4)} on average`;
  const text = `${files.onnxPath}: ${megabytes} (${share} times smaller), ${countOf(tensors, 'tensor')} as int8\ncosine to the original over ${what}: ${numbers}`;
  context.output({ model: files.onnxPath, manifest: files.manifest, bytes, tensors, cosine }, text);
  if (cosine.least < LEAST_COSINE) {
    context.logger.warn(
      `the least cosine to the original is ${cosine.least.toFixed(4)}, below ${LEAST_COSINE}: measure recall with netvlad evaluate before you use this model.`,
    );
  }
}

function registerQuantize(model: Command): void {
  model
    .command('quantize')
    .description('Store the weights of a model as int8: a file about four times smaller, as fast as before.')
    .argument('<file>', 'name.onnx or name.json')
    .requiredOption('--out <file>', 'model to write: folder/name.onnx, with name.json beside it')
    .option('--images <source>', 'images to compare the descriptors on (default: made-up pictures)')
    .option('--count <n>', 'at most so many of them, evenly over the source', parseInteger(1), 32)
    .option('--json', 'print one JSON document')
    .addHelpText('after', QUANTIZE_HELP)
    .action((file: string, flags: QuantizeFlags) => runCommand(flags, (context) => quantize(file, flags, context)));
}

function registerImport(model: Command): void {
  model
    .command('import')
    .description('Make a model from a PyTorch checkpoint, a published MATLAB network or an ONNX network.')
    .argument('<file>', 'checkpoint (.pt, .pth) or network (.mat, .onnx); nothing in it is executed')
    .addOption(
      new Option('--from <format>', 'what the file is').choices(['pytorch', 'matlab', 'onnx']).makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'model to write: folder/name.onnx, with name.json beside it')
    .addOption(
      new Option('--backbone <name>', 'architecture of a checkpoint (default: mobilenetv2)').choices(BACKBONE_NAMES),
    )
    .option('--map <tensor>', 'dense map [n, C, H, W] to pool (a checkpoint has its default)')
    .option('--descriptor <output>', 'ONNX: output [n, D] that is the descriptor already')
    .addOption(
      new Option('--pooling <kind>', 'how the map becomes a descriptor (default: gem)').choices(['gem', 'max']),
    )
    .option('--width <pixels>', 'input width (default: 320; matlab 640)', parseInteger(1))
    .option('--height <pixels>', 'input height (default: 240; matlab 480)', parseInteger(1))
    .addOption(
      new Option('--resize <how>', 'how images meet that size (default: stretch)').choices([
        ...['stretch', 'fit', 'native'],
      ]),
    )
    .addOption(
      new Option('--kernel <name>', 'resampler (default: linear)').choices(['nearest', 'linear', 'cubic', 'lanczos3']),
    )
    .addOption(new Option('--colour <order>', 'channel order (default: rgb)').choices(['rgb', 'bgr']))
    .option('--scale <factor>', 'pixels are multiplied by it first (default: 1/255; matlab 1)', parsePositiveNumber)
    .option('--mean <r,g,b>', 'subtracted (default: 0.485,0.456,0.406; matlab: that of the file)', parseTriple)
    .option('--std <r,g,b>', 'divided by (default: 0.229,0.224,0.225; matlab 1,1,1)', parseTriple)
    .option('--weights-from <text>', 'where the weights come from, for the manifest (default: the file name)')
    .option('--licence <name>', 'licence of the weights, for the manifest', UNKNOWN_LICENCE)
    .option('--json', 'print one JSON document')
    .addHelpText('after', IMPORT_HELP)
    .action((file: string, flags: ImportFlags) => runCommand(flags, (context) => importForeign(file, flags, context)));
}

export function registerModelCommand(program: Command): void {
  const model = program
    .command('model')
    .description('Look into descriptor models, try them out, import foreign ones, make them smaller.');
  model
    .command('info')
    .description('Say what a model is: descriptor, input, backbone, size, licence.')
    .argument('[file]', 'name.onnx or name.json (default: the one that comes with the package)')
    .option('--json', 'print one JSON document')
    .action((file: string | undefined, flags: JsonFlag) => runCommand(flags, (context) => showInfo(file, context)));
  model
    .command('check')
    .description(
      'Try a model out on made-up images: checksum, shapes, unit length, batches. Fails where it does not hold.',
    )
    .argument('[file]', 'name.onnx or name.json (default: the one that comes with the package)')
    .option('--json', 'print one JSON document')
    .action((file: string | undefined, flags: JsonFlag) => runCommand(flags, (context) => check(file, context)));
  registerImport(model);
  registerQuantize(model);
}

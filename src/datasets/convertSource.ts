/** @file Writes any source as a CSV data set, or as files whose names carry the position. */
import { constants, existsSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { makeFolder } from '../makeFolder.ts';
import { decodeFrame } from '../image/decodeFrame.ts';
import { encodePng } from '../image/encode.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { Progress } from '../Progress.ts';
import type { DatasetProblem, GeotaggedImage, GeotaggedImageSource, ImageContent } from './GeotaggedImage.ts';
import { formatCsvRow, safeRelativePath, writeDataset } from './newDataset.ts';
import { formatUtmName } from './utmNames.ts';

export type ConversionFormat = 'csv' | 'utm-names';

export interface ConversionResult {
  readonly path: string;
  readonly images: number;
  /** Records that could not be converted. */
  readonly problems: readonly DatasetProblem[];
}

export interface ConversionOptions {
  readonly format: ConversionFormat;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Extension that a content gets as a file: compressed frames keep their bytes, raw ones become PNG. */
function extensionOf(content: ImageContent): string {
  if (content.kind === 'file') return extname(content.path);
  if (content.frame.kind === 'raw') return '.png';
  return /jpe?g/i.test(content.frame.format) ? '.jpg' : '.png';
}

/** Why a file cannot be read; null where it can. */
async function findReadProblem(path: string): Promise<string | null> {
  try {
    await readFile(path);
    return null;
  } catch (error) {
    return `${path} cannot be read: ${(error as Error).message}`;
  }
}

/** Writes an image's pixels to the new file `path`; the sentence of its problem, or null. Throws when the disk takes no more. */
async function writeContent(content: ImageContent, path: string): Promise<string | null> {
  if (existsSync(path)) return `Another image is called ${basename(path)} already.`;
  await makeFolder(dirname(path));
  if (content.kind === 'file') {
    try {
      await copyFile(content.path, path, constants.COPYFILE_FICLONE);
      return null;
    } catch (error) {
      const problem = await findReadProblem(content.path);
      if (problem === null) throw error; // it is the target: the next image would meet the same
      return problem;
    }
  }
  if (content.frame.kind === 'compressed' && extensionOf(content) === '.jpg') {
    await writeFile(path, content.frame.data);
    return null;
  }
  const image = await decodeFrame(content.frame);
  if (isFrameProblem(image)) return image.message;
  await writeFile(path, await encodePng(image));
  return null;
}

/** Where an image goes in the new data set, or why it cannot. */
function targetOf(image: GeotaggedImage, format: ConversionFormat): { file: string } | { problem: string } {
  const extension = extensionOf(image.content);
  if (format === 'csv') return { file: `images/${safeRelativePath(image.name, extension)}` };
  const note = basename(image.name, extname(image.name));
  const name = formatUtmName(image, note, extension);
  if (name === null) return { problem: 'The image has no position, which a UTM name must hold.' };
  const folder = image.role === 'query' ? 'queries' : (image.role ?? '');
  return { file: folder === '' ? name : `${folder}/${name}` };
}

/** Copies the images of a source into the new folder `out`; nothing is left there unless it ends well. */
export async function convertSource(
  source: GeotaggedImageSource,
  out: string,
  options: ConversionOptions,
): Promise<ConversionResult> {
  const { format } = options;
  const { rows, problems } = await writeDataset(source, out, {
    ...options,
    hasIndex: format === 'csv',
    write: async (image, folder) => {
      const target = targetOf(image, format);
      if ('problem' in target) return target.problem;
      return (await writeContent(image.content, join(folder, target.file))) ?? [formatCsvRow(image, target.file)];
    },
  });
  return { path: out, images: rows.length, problems };
}

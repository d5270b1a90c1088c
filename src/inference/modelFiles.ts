/** @file A model on disk: `name.onnx` with its manifest `name.json` beside it. Reading checks both, writing is atomic. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { NetvladError } from '../errors.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import { modelManifestSchema, type ModelManifest } from './ModelManifest.ts';

export interface ModelFiles {
  readonly manifest: ModelManifest;
  readonly manifestPath: string;
  readonly onnxPath: string;
  /** The bytes of the `.onnx` file, already held against the manifest's checksum. */
  readonly onnx: Uint8Array;
}

export function computeSha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readOrExplain(file: string, hint: string): Promise<Uint8Array> {
  try {
    // A pipe would be waited for, and a device read without an end.
    if (!(await stat(file)).isFile()) throw new NetvladError('model', `Model file ${file}: it is no file.`, { hint });
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof NetvladError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new NetvladError('model', `Model file ${file}: ${reason}.`, { hint, cause });
  }
}

/** Parses the text of a manifest; `file` names it in messages. */
export function parseManifest(text: string, file: string): ModelManifest {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new NetvladError('model', `Model manifest ${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const result = modelManifestSchema.safeParse(document);
  if (result.success) return result.data;
  throw new NetvladError('model', `Model manifest ${file} does not fit: ${z.prettifyError(result.error)}`, {
    hint: 'docs/models.md lists the fields; `netvlad model import` writes a manifest for a foreign model.',
  });
}

/** `x.onnx`, `x.json` or `x` all mean the pair; returns the path of the manifest. */
export function toManifestPath(modelPath: string): string {
  return modelPath.endsWith('.json') ? modelPath : `${modelPath.replace(/\.onnx$/, '')}.json`;
}

/** Reads manifest and network. Throws NetvladError('model') naming the file, what was expected and what was found. */
export async function readModelFiles(modelPath: string): Promise<ModelFiles> {
  const manifestPath = toManifestPath(modelPath);
  if (modelPath.endsWith('.onnx'))
    await readOrExplain(modelPath, 'Give the path of a model (.onnx with .json beside).');
  const text = new TextDecoder().decode(
    await readOrExplain(manifestPath, 'A model is a pair: name.onnx and its manifest name.json in the same folder.'),
  );
  const manifest = parseManifest(text, manifestPath);
  const { file, sha256 } = manifest.onnx;
  if (path.basename(file) !== file) {
    throw new NetvladError(
      'model',
      `Model manifest ${manifestPath}: onnx.file '${file}' leaves the manifest's folder.`,
      {
        hint: 'onnx.file is a bare file name.',
      },
    );
  }
  const onnxPath = path.join(path.dirname(manifestPath), file);
  const onnx = await readOrExplain(onnxPath, `The manifest ${manifestPath} names it.`);
  const received = computeSha256(onnx);
  if (received !== sha256) {
    throw new NetvladError(
      'model',
      `Model file ${onnxPath}: its manifest expects sha256 ${sha256}, the file has ${received}.`,
      {
        hint: 'The file is damaged or of another version than its manifest; copy both again, as a pair.',
        details: { expected: sha256, received },
      },
    );
  }
  return { manifest, manifestPath, onnxPath, onnx };
}

/** What a writer must say; format number, file name and checksum follow from the bytes and the place. */
export interface ManifestDraft extends Pick<
  ModelManifest,
  'input' | 'descriptor' | 'local' | 'quantisation' | 'backbone' | 'training' | 'licence'
> {
  readonly name: string;
  readonly onnx: { readonly input: string; readonly output: string; readonly local?: string };
}

/** Completes a draft into a pair of files, in memory: `folder` is where they would lie. */
export function createModelFiles(folder: string, draft: ManifestDraft, onnx: Uint8Array): ModelFiles {
  const file = `${draft.name}.onnx`;
  const manifest = modelManifestSchema.parse({
    format: 1,
    ...draft,
    onnx: { file, sha256: computeSha256(onnx), ...draft.onnx },
  });
  const manifestPath = path.join(folder, `${draft.name}.json`);
  return { manifest, manifestPath, onnxPath: path.join(folder, file), onnx };
}

/** Writes `name.onnx` and `name.json` into `folder`, which is made where needed. */
export async function writeModelFiles(folder: string, draft: ManifestDraft, onnx: Uint8Array): Promise<ModelFiles> {
  const files = createModelFiles(folder, draft, onnx);
  await writeFileAtomically(files.onnxPath, onnx);
  await writeFileAtomically(files.manifestPath, `${JSON.stringify(files.manifest, null, 2)}\n`);
  return files;
}

/** @file Models and maps: checksums, a trial inference, and whether each map's model is at hand. */
import { attempt, warn, type Check } from './Check.ts';
import { countOf } from '../../countOf.ts';

/** A model that was read without a complaint. */
export interface KnownModel {
  readonly path: string;
  readonly sha256: string;
}

/** The rooms are imported when they are needed: a broken native library must not keep the doctor from starting. */
const rooms = {
  models: () => import('../../inference/modelFiles.ts'),
  inference: () => import('../../inference/loadModel.ts'),
  maps: () => import('../../map/verifyMap.ts'),
  mapInfo: () => import('../../map/mapInfo.ts'),
};

export interface ModelCheck {
  readonly check: Check;
  readonly model: KnownModel | null;
}

export async function findDefaultModel(): Promise<string> {
  return (await rooms.inference()).findDefaultModel();
}

const MODEL_CURE = 'copy the pair name.onnx and name.json again, or restore models/ from the repository';

/** Reads manifest and network, compares the checksum, and describes one grey image. */
export async function checkModel(path: string): Promise<ModelCheck> {
  let model: KnownModel | null = null;
  const check = await attempt(`model ${path.split('/').at(-1)!}`, MODEL_CURE, async () => {
    const { readModelFiles } = await rooms.models();
    const { manifest } = await readModelFiles(path);
    model = { path, sha256: manifest.onnx.sha256 };
    const ms = await timeInference(path);
    return `${manifest.descriptor.dimension} dimensions, checksum right, ${ms.toFixed(0)} ms an image on the CPU`;
  });
  return { check, model };
}

async function timeInference(path: string): Promise<number> {
  const { loadModel } = await rooms.inference();
  const model = await loadModel(path);
  try {
    const { width, height } = model.manifest.input;
    const image = { data: new Uint8Array(width * height * 3).fill(128), width, height };
    await model.describe([image]); // the first run allocates
    const start = performance.now();
    await model.describe([image]);
    return performance.now() - start;
  } finally {
    await model.dispose();
  }
}

/** Every check of `netvlad map verify`, and whether one of `models` made the map. */
export async function checkMap(path: string, models: readonly KnownModel[]): Promise<Check> {
  const name = `map ${path}`;
  const check = await attempt(name, `netvlad map verify ${path} says more`, async () => {
    const problems = (await rooms.maps()).verifyMap(path).flatMap((each) => each.problems);
    if (problems.length > 0) throw new Error(problems.join('; '));
    return `${countOf((await rooms.mapInfo()).readMapInfo(path).places, 'place')}, checksums right`;
  });
  if (check.state !== 'ok') return check;
  const { model } = (await rooms.mapInfo()).readMapInfo(path).manifest;
  if (models.some(({ sha256 }) => sha256 === model.sha256)) return check;
  const found = `${check.found}, but its model ${model.name} (sha256 ${model.sha256.slice(0, 12)}...) is none of those looked at`;
  return warn(name, found, 'name that model with --model; without it the map cannot be searched');
}

/** @file What a set of images is to a training run: which answers of a validation are right. */
import assert from 'node:assert/strict';
import { createGeotaggedImage, type GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import type { TrainingImage } from '../../src/training/neighbourhoods.ts';
import { toTrainConfig, type TrainingConfig } from '../../src/training/trainConfig.ts';
import { createTrainingSet } from '../../src/training/trainingSet.ts';

function trainingConfig(fields: Record<string, unknown>): TrainingConfig {
  const backbone = { name: 'mobilenetv2', weights: 'w.pt', weightsFrom: 'nowhere', licence: 'MIT' };
  return toTrainConfig({ name: 'x', backbone, pooling: { kind: 'max' }, training: fields }, 'x.yaml').training!;
}

/** Three places, each with an image of every role. */
function street(source: number, facts: (place: number, role: string) => Partial<GeotaggedImage>): TrainingImage[] {
  const roles = ['train_database', 'train_query', 'validation_database', 'validation_query'];
  return roles.flatMap((role) =>
    [0, 1, 2].map((place) => ({
      image: createGeotaggedImage(`${role} ${place}`, { kind: 'file', path: '' }, { role, ...facts(place, role) }),
      source,
    })),
  );
}

const positioned = (place: number, role: string): Partial<GeotaggedImage> => ({
  local: { x: 40 * place, y: role.endsWith('query') ? 2 : 0, z: 0 },
  place: String(place),
});
const unplaced = (place: number): Partial<GeotaggedImage> => ({ place: String(place), sequence: 'walk', frame: place });

describe('createTrainingSet', () => {
  const truthOf = (images: readonly TrainingImage[]): number[][] =>
    createTrainingSet(images, trainingConfig({ layers: 'head' })).validation.truth.map((rows) => [...rows]);

  it('takes nothing of another source as right, though its coordinates and places are the same', () => {
    assert.deepEqual(truthOf([...street(0, positioned), ...street(1, positioned)]), [[0], [1], [2], [3], [4], [5]]);
  });

  it('goes by place in a source without positions, beside one that has them', () => {
    assert.deepEqual(truthOf([...street(0, unplaced), ...street(1, positioned)]), [[0], [1], [2], [3], [4], [5]]);
  });
});

/** @file Places and models with as little as a test needs to say. */
import { createHash } from 'node:crypto';
import type { ModelManifest } from '../../src/inference/ModelManifest.ts';
import type { NewPlace, Place } from '../../src/map/Place.ts';

export function placeFacts(changes: Partial<Place> = {}): Omit<Place, 'id'> {
  return {
    image: 'image.jpg',
    stampNs: null,
    sequence: null,
    frame: null,
    label: null,
    geo: null,
    pose: null,
    positionSigmaM: null,
    condition: null,
    ...changes,
  };
}

/** Unit vector along one axis of [dimension]. */
export function axis(index: number, dimension: number): Float32Array {
  const vector = new Float32Array(dimension);
  vector[index] = 1;
  return vector;
}

export function newPlace(image: string, descriptor: Float32Array, changes: Partial<Place> = {}): NewPlace {
  return { place: placeFacts({ image, ...changes }), descriptor, thumbnail: null, local: null };
}

export function modelManifest(name: string, dimension: number): ModelManifest {
  return {
    format: 1,
    name,
    onnx: {
      file: `${name}.onnx`,
      sha256: createHash('sha256').update(name).digest('hex'),
      input: 'image',
      output: 'descriptor',
    },
    input: {
      ...{ height: 240, width: 320, resize: 'stretch', kernel: 'linear', colour: 'rgb' },
      ...{ scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    },
    descriptor: { dimension, pooling: 'netvlad', clusters: 10, whitening: null },
    backbone: { name: 'test', cut: 'none', weightsFrom: 'none', licence: 'Apache-2.0' },
    training: {},
    licence: 'Apache-2.0',
  };
}

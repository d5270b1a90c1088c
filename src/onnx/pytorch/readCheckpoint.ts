/**
 * @file PyTorch checkpoints (`torch.save`): tensors by name, from the zip format (since 1.6) and from the older one of
 * consecutive pickles. Nothing in the file is executed.
 */
import { unzipSync } from 'fflate';
import { NetvladError } from '../../errors.ts';
import { fromFloat16 } from '../../math/float16.ts';
import { elementCount } from '../graph.ts';
import { textOf, Unpickler, type PickleHooks, type PickleObject, type PickleValue } from './unpickle.ts';

/** A tensor of a checkpoint; every number type is widened or rounded to float32. */
export interface CheckpointTensor {
  readonly dims: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

type Decode = (bytes: Uint8Array) => Float32Array;

// Not slice(): that of a Node Buffer shares its memory.
const aligned = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

/** Brain floats are the upper halves of float32. */
const fromBFloat16: Decode = (bytes) => {
  const halves = new Uint16Array(aligned(bytes));
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
};

const STORAGES: Readonly<Record<string, { readonly size: number; readonly decode: Decode }>> = {
  'torch.FloatStorage': { size: 4, decode: (bytes) => new Float32Array(aligned(bytes)) },
  'torch.DoubleStorage': { size: 8, decode: (bytes) => Float32Array.from(new Float64Array(aligned(bytes))) },
  'torch.HalfStorage': { size: 2, decode: (bytes) => Float32Array.from(new Uint16Array(aligned(bytes)), fromFloat16) },
  'torch.BFloat16Storage': { size: 2, decode: fromBFloat16 },
  'torch.LongStorage': { size: 8, decode: (bytes) => Float32Array.from(new BigInt64Array(aligned(bytes)), Number) },
  'torch.IntStorage': { size: 4, decode: (bytes) => Float32Array.from(new Int32Array(aligned(bytes))) },
  'torch.ByteStorage': { size: 1, decode: (bytes) => Float32Array.from(bytes) },
  'torch.BoolStorage': { size: 1, decode: (bytes) => Float32Array.from(bytes) },
};

/** A storage as the pickle names it: its bytes are found later. */
interface StorageReference {
  readonly key: string;
  readonly type: string;
  readonly count: number;
}

interface TensorReference {
  readonly storage: StorageReference;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

function checkpointError(problem: string, hint?: string): NetvladError {
  return new NetvladError('model', `Checkpoint: ${problem}.`, hint === undefined ? {} : { hint });
}

function storageReference(id: PickleValue): PickleObject {
  if (!Array.isArray(id) || id[0] !== 'storage') throw checkpointError('has a persistent id that is not a storage');
  const [, type, key, , count] = id as readonly PickleValue[];
  const name = type !== null && typeof type === 'object' && 'global' in type ? type.global : 'unknown';
  if (!(name in STORAGES)) throw checkpointError(`has a storage of ${name}, which is not supported`);
  const reference: StorageReference = { key: textOf(key) ?? '', type: name, count: Number(count) };
  return { object: reference };
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...) */
function tensorReference(args: readonly PickleValue[]): PickleObject {
  const [storage, offset, dims, strides] = args;
  const reference: TensorReference = {
    storage: (storage as PickleObject).object as StorageReference,
    offset: Number(offset),
    dims: (dims as readonly PickleValue[]).map(Number),
    strides: (strides as readonly PickleValue[]).map(Number),
  };
  return { object: reference };
}

const HOOKS: PickleHooks = {
  persistent: storageReference,
  constructors: new Map<string, (args: readonly PickleValue[]) => PickleValue>([
    ['collections.OrderedDict', () => new Map<PickleValue, PickleValue>()],
    ['torch._utils._rebuild_tensor_v2', tensorReference],
    ['torch._utils._rebuild_parameter', (args) => args[0]!],
    ['torch.Size', (args) => args[0]!],
  ]),
};

/** All tensors of nested dictionaries, by dotted names. */
function* namedTensors(value: PickleValue, name: string): Generator<[string, TensorReference]> {
  if (value instanceof Map) {
    for (const [key, item] of value) {
      const own = textOf(key) ?? '';
      yield* namedTensors(item, name === '' ? own : `${name}.${own}`);
    }
  } else if (value !== null && typeof value === 'object' && 'object' in value) {
    yield [name, value.object as TensorReference];
  }
}

/** Gathers a tensor's values through its strides. */
function gather(reference: TensorReference, storage: Float32Array, name: string): CheckpointTensor {
  const { dims, strides, offset } = reference;
  const data = new Float32Array(elementCount(dims));
  const index = dims.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    const at = index.reduce((sum, position, axis) => sum + position * strides[axis]!, offset);
    if (at >= storage.length) throw checkpointError(`tensor '${name}' reaches beyond its storage of ${storage.length}`);
    data[i] = storage[at]!;
    for (let axis = dims.length - 1; axis >= 0 && (index[axis]! += 1) === dims[axis]; axis--) index[axis] = 0;
  }
  return { dims, data };
}

function resolveTensors(
  value: PickleValue,
  bytesOf: (storage: StorageReference) => Uint8Array,
): Map<string, CheckpointTensor> {
  const decoded = new Map<string, Float32Array>();
  const valuesOf = (storage: StorageReference): Float32Array => {
    const known = decoded.get(storage.key) ?? STORAGES[storage.type]!.decode(bytesOf(storage));
    decoded.set(storage.key, known);
    return known;
  };
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, reference] of namedTensors(value, '')) {
    tensors.set(name, gather(reference, valuesOf(reference.storage), name));
  }
  if (tensors.size === 0) throw checkpointError('holds no tensors');
  return tensors;
}

/** Zip: `<name>/data.pkl` describes, `<name>/data/<key>` holds the bytes of a storage. */
function readZip(bytes: Uint8Array): Map<string, CheckpointTensor> {
  const files = unzipSync(bytes);
  const description = Object.keys(files).find((name) => name.endsWith('/data.pkl'));
  if (description === undefined) throw checkpointError('is a zip archive without data.pkl (a TorchScript module?)');
  const folder = description.slice(0, -'data.pkl'.length);
  return resolveTensors(new Unpickler(files[description]!, HOOKS).read(), ({ key, type, count }) => {
    const storage = files[`${folder}data/${key}`];
    const expected = count * STORAGES[type]!.size;
    if (storage?.length !== expected) {
      throw checkpointError(`storage '${key}' has ${storage?.length ?? 0} bytes, expected ${expected}`);
    }
    return storage;
  });
}

/** Before PyTorch 1.6: magic number, protocol, system facts, the object, the storage keys; then count and bytes of each. */
function readConsecutivePickles(bytes: Uint8Array): Map<string, CheckpointTensor> {
  let at = 0;
  const next = (): PickleValue => {
    const unpickler = new Unpickler(bytes, HOOKS, at);
    const value = unpickler.read();
    at = unpickler.end;
    return value;
  };
  next(); // magic number
  next(); // protocol version
  next(); // sizes and byte order of the machine that wrote it
  const value = next();
  const keys = next() as readonly PickleValue[];
  const types = new Map<string, StorageReference>();
  for (const [, { storage }] of namedTensors(value, '')) types.set(storage.key, storage);
  const storages = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys.map((each) => textOf(each) ?? '')) {
    const storage = types.get(key);
    if (storage === undefined) throw checkpointError(`lists a storage '${key}' of unknown type`);
    const size = storage.count * STORAGES[storage.type]!.size;
    if (at + 8 + size > bytes.length)
      throw checkpointError(`ends in the middle of storage '${key}'`, 'Is the file truncated?');
    if (Number(view.getBigInt64(at, true)) !== storage.count)
      throw checkpointError(`storage '${key}' has another length than described`);
    storages.set(key, bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return resolveTensors(value, ({ key }) => storages.get(key)!);
}

/**
 * Reads the tensors of a checkpoint; nested dictionaries give dotted names (`state_dict.features.0.0.weight`).
 * @throws NetvladError `model` when the bytes are no checkpoint, are truncated, or hold more than tensors
 */
export function readCheckpoint(bytes: Uint8Array): Map<string, CheckpointTensor> {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const isPickle = bytes[0] === 0x80;
  if (!isZip && !isPickle) {
    throw checkpointError('is not a PyTorch file (neither a zip archive nor a pickle)');
  }
  if (isPickle) return readConsecutivePickles(bytes);
  try {
    return readZip(bytes);
  } catch (error) {
    if (error instanceof NetvladError) throw error;
    throw checkpointError(`is not a whole zip archive (${(error as Error).message})`, 'Is the file truncated?');
  }
}

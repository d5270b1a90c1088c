/** @file Assembles the pickles of small PyTorch checkpoints byte by byte, as `torch.save` lays them out. */
import { zipSync } from 'fflate';

const TEXT = new TextEncoder();

const text = (value: string): number[] => {
  const bytes = [...TEXT.encode(value)];
  return [0x58, bytes.length & 0xff, bytes.length >> 8, 0, 0, ...bytes];
};
export const globalName = (module: string, name: string): number[] => [0x63, ...TEXT.encode(`${module}\n${name}\n`)];
const tuple = (...items: number[][]): number[] => [0x28, ...items.flat(), 0x74];
const int = (value: number): number[] => [0x4b, value];
export const pickle = (...parts: number[][]): number[] => [0x80, 2, ...parts.flat(), 0x2e];

/** A float tensor [2, 3] seen through strides (1, 2): the transpose of what is stored. */
export const STORED = Float32Array.of(1, 2, 3, 4, 5, 6);
export const EXPECTED = { dims: [2, 3], data: Float32Array.of(1, 3, 5, 2, 4, 6) };

/** `{'net': {'w': tensor}}` */
function stateDict(): number[] {
  const storage = tuple(text('storage'), globalName('torch', 'FloatStorage'), text('0'), text('cpu'), int(6));
  const orderedDict = [...globalName('collections', 'OrderedDict'), 0x29, 0x52];
  const args = tuple([...storage, 0x51], int(0), tuple(int(2), int(3)), tuple(int(1), int(2)), [0x89], orderedDict);
  const tensor = [...globalName('torch._utils', '_rebuild_tensor_v2'), ...args, 0x52];
  const inner = [...orderedDict, ...text('w'), ...tensor, 0x73];
  return pickle([0x7d], text('net'), inner, [0x73]);
}

/** The older format: consecutive pickles, then count and values of each storage. */
export function legacyCheckpoint(): Uint8Array {
  const head = [
    ...pickle(int(1)),
    ...pickle(int(2)),
    ...pickle([0x7d]),
    ...stateDict(),
    ...pickle([0x5d], text('0'), [0x61]),
  ];
  const count = [6, 0, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([...head, ...count, ...new Uint8Array(STORED.buffer)]);
}

/** The zip format. */
export function zipCheckpoint(description: readonly number[] = stateDict()): Uint8Array {
  const files = { 'weights/data.pkl': Uint8Array.from(description), 'weights/data/0': new Uint8Array(STORED.buffer) };
  return zipSync(files, { level: 0 });
}

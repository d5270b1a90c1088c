/** @file Holds a network's inputs and outputs against its manifest. */
import type { ModelManifest } from './ModelManifest.ts';
import type { SessionValue } from './OnnxSession.ts';

interface Signature {
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
}

const show = ({ name, type, dims }: SessionValue): string => `'${name}' ${type} [${dims.join(', ')}]`;
const showAll = (values: readonly SessionValue[]): string => values.map(show).join(', ') || 'none';

/** Expected sizes; null is anything. A dynamic dimension of the network fits every size. */
function fits(value: SessionValue, expected: readonly (number | null)[]): boolean {
  if (value.type !== 'float32') return false;
  if (value.dims.length === 0) return true; // the network does not say
  if (value.dims.length !== expected.length) return false;
  return expected.every((size, i) => {
    const found = value.dims[i]!;
    return size === null || typeof found === 'string' || found === size || found < 0;
  });
}

/** Problems in words, each naming expected and received; none when the network is what the manifest says. */
export function checkSignature(manifest: ModelManifest, { inputs, outputs }: Signature): readonly string[] {
  const { onnx, input, descriptor, local } = manifest;
  const problems: string[] = [];
  const demand = (
    values: readonly SessionValue[],
    kind: string,
    name: string,
    dims: readonly (number | null)[],
  ): void => {
    const shape = dims.map((size) => size ?? 'n').join(', ');
    const value = values.find((candidate) => candidate.name === name);
    if (value === undefined) {
      problems.push(`expected ${kind} '${name}' float32 [${shape}], received ${showAll(values)}`);
    } else if (!fits(value, dims)) {
      problems.push(`expected ${kind} '${name}' float32 [${shape}], received ${show(value)}`);
    }
  };
  const native = input.resize !== 'stretch';
  demand(inputs, 'input', onnx.input, [null, 3, native ? null : input.height, native ? null : input.width]);
  demand(outputs, 'output', onnx.output, [null, descriptor.dimension]);
  if (onnx.local !== undefined) {
    const locations = local === undefined || native ? null : local.rows * local.columns;
    demand(outputs, 'output', onnx.local, [null, locations, local?.channels ?? null]);
  }
  const others = inputs.filter(({ name }) => name !== onnx.input);
  if (others.length > 0) problems.push(`expected one input, received also ${showAll(others)}`);
  return problems;
}

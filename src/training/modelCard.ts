/** @file The model card: the manifest's facts in sentences. */
import type { ModelFiles } from '../inference/modelFiles.ts';
import { countOf } from '../countOf.ts';

function describeTraining(training: ModelFiles['manifest']['training']): string {
  const entries = Object.entries(training).filter(([, value]) => value !== null && value !== undefined);
  return entries.map(([key, value]) => `- ${key}: \`${JSON.stringify(value)}\``).join('\n');
}

/** Markdown. `parity` is the largest difference between the exported graph and the float64 reference. */
export function renderModelCard({ manifest, onnx }: ModelFiles, parity: number | null): string {
  const { name, input, descriptor, backbone, local } = manifest;
  const clusters = descriptor.clusters === null ? '' : `, ${countOf(descriptor.clusters, 'cluster')}`;
  const agreement =
    parity === null
      ? ''
      : `\nThe graph agrees with the float64 reference of the layer to ${parity.toExponential(1)}.\n`;
  return `# ${name}

An image in, a unit-length descriptor of ${descriptor.dimension} numbers out: images of one place have a large dot product.

- Backbone: ${backbone.name}, cut at \`${backbone.cut}\`; weights from ${backbone.weightsFrom}, licence ${backbone.licence}
- Pooling: ${descriptor.pooling}${clusters}
- Whitening: ${descriptor.whitening ?? 'none'}
- Input: ${input.width} x ${input.height}, resize \`${input.resize}\` with kernel \`${input.kernel}\`, ${input.colour}, x * ${input.scale}, mean ${input.mean.join(', ')}, std ${input.std.join(', ')}
- Output: \`${manifest.onnx.output}\` [n, ${descriptor.dimension}]${local === undefined ? '' : `; \`${manifest.onnx.local ?? ''}\` [n, ${local.rows} * ${local.columns}, ${local.channels}], computed only when asked for`}
- File: ${(onnx.length / 1e6).toFixed(1)} MB, sha256 \`${manifest.onnx.sha256}\`
- Licence of the model: ${manifest.licence}
${agreement}
## How it was made

${describeTraining(manifest.training)}

## What it is not

Place recognition says which stored image looks most alike, not how far apart the cameras stand. A similarity is no
probability: the map's calibration turns it into one. People, licence plates and the like are not recognised by design, but
no model was trained to ignore them either.
`;
}

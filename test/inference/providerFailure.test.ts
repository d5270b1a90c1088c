/** @file Which piece of the CUDA provider is missing, told on machines of every kind. */
import assert from 'node:assert/strict';
import { explainProviderFailure } from '../../src/inference/providerFailure.ts';

const LIBRARY = '/ort/libonnxruntime_providers_cuda.so';
const DRIVER = '/dev/nvidiactl';
const MACHINES = [
  { files: [], missing: [], message: /libonnxruntime_providers_cuda\.so is not installed; .* run: node .*install\.js/ },
  { files: [LIBRARY], missing: [], message: /no NVIDIA device/ },
  { files: [LIBRARY, DRIVER], missing: ['libcudnn.so.9'], message: /not found: libcudnn\.so\.9; install CUDA 12/ },
  { files: [LIBRARY, DRIVER], missing: [], message: /'cuda' does not work: ONNX Runtime says: out of memory\.$/ },
] as const;

describe('explainProviderFailure', () => {
  for (const { files, missing, message } of MACHINES) {
    it(`with ${files.join(', ') || 'nothing'} there and ${missing.join(', ') || 'nothing'} missing`, () => {
      const probe = {
        libraryFolder: '/ort',
        exists: (file: string) => files.some((there) => there === file),
        missingDependencies: () => missing,
      };
      assert.match(explainProviderFailure('cuda', new Error('out of memory'), probe), message);
    });
  }
});

/** @file Whether inference can run on an NVIDIA GPU, and which piece is missing if not. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createProviderProbe, findMissingCudaPart } from '../../inference/providerFailure.ts';
import { fail, ok, warn, type Check } from './Check.ts';

/** What a machine has of CUDA. */
export interface CudaFacts {
  readonly hasDevice: boolean;
  /** The libraries of CUDA_LIBRARIES that the loader finds. */
  readonly libraries: readonly string[];
  /** The first thing that keeps ONNX Runtime's CUDA provider from working; null = nothing known. */
  readonly missingPart: string | null;
}

/** Driver, CUDA 12 and cuDNN 9: what ONNX Runtime's CUDA provider links to. */
export const CUDA_LIBRARIES = [
  'libcuda.so.1',
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcurand.so.10',
  'libcufft.so.11',
  'libcudnn.so.9',
] as const;

const DEVICES = ['/dev/nvidiactl', '/dev/nvhost-ctrl', '/dev/nvhost-gpu'];

function readLoaderCache(): string {
  try {
    return execFileSync('ldconfig', ['-p'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/** Looks at this machine. Throws when onnxruntime-node is not installed. */
export function readCudaFacts(): CudaFacts {
  const inCache = readLoaderCache();
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => existsSync(folder));
  const onPath = new Set(folders.flatMap((folder) => readdirSync(folder)));
  return {
    hasDevice: DEVICES.some((device) => existsSync(device)),
    libraries: CUDA_LIBRARIES.filter((name) => onPath.has(name) || inCache.includes(`\t${name} `)),
    missingPart: findMissingCudaPart(createProviderProbe()),
  };
}

/** Without a GPU, CUDA is missing rightly, unless it is asked for. */
export function checkCuda(facts: CudaFacts, required: boolean): Check {
  const name = 'CUDA';
  if (facts.missingPart === null) return ok(name, `its libraries are complete (${facts.libraries.length} found)`);
  if (!facts.hasDevice && !required)
    return ok(name, 'not used: this machine shows no NVIDIA GPU; inference runs on the CPU');
  const absent = CUDA_LIBRARIES.filter((library) => !facts.libraries.includes(library));
  const found = [
    facts.missingPart,
    ...(facts.hasDevice ? [] : ['no NVIDIA device in /dev']),
    ...(absent.length > 0 ? [`the loader does not find ${absent.join(', ')}`] : []),
  ].join('; ');
  const cure = 'docs/install.md, "A robot with CUDA"; until then inference runs on the CPU (providers: [cpu])';
  return required ? fail(name, found, cure) : warn(name, found, cure);
}

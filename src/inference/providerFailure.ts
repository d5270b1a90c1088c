/** @file Why an execution provider does not start: ONNX Runtime says "failed to load", this says what is missing. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export interface ProviderProbe {
  /** Folder of ONNX Runtime's native libraries. */
  readonly libraryFolder: string;
  readonly exists: (file: string) => boolean;
  /** Names of the shared libraries that a library needs and the loader does not find. */
  readonly missingDependencies: (library: string) => readonly string[];
}

const INSTALL_COMMAND = 'node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12';

/** Looks at this machine. */
export function createProviderProbe(): ProviderProbe {
  const require = createRequire(import.meta.url);
  const packageFolder = path.dirname(require.resolve('onnxruntime-node/package.json'));
  return {
    libraryFolder: path.join(packageFolder, 'bin', 'napi-v6', process.platform, process.arch),
    exists: existsSync,
    missingDependencies: (library) => {
      try {
        const listing = execFileSync('ldd', [library], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
        return [...listing.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1]!);
      } catch {
        return []; // no ldd here: the provider's own message has to do
      }
    },
  };
}

/** The CUDA provider's missing piece, or null when all that can be looked at is there. */
export function findMissingCudaPart(probe: ProviderProbe): string | null {
  const library = path.join(probe.libraryFolder, 'libonnxruntime_providers_cuda.so');
  if (!probe.exists(library)) {
    return `its library ${library} is not installed; on a machine with an NVIDIA GPU run: ${INSTALL_COMMAND}`;
  }
  if (!probe.exists('/dev/nvidiactl') && !probe.exists('/dev/nvhost-ctrl')) {
    return 'there is no NVIDIA device (neither /dev/nvidiactl nor /dev/nvhost-ctrl); install the driver or pass the GPU into the container';
  }
  const missing = probe.missingDependencies(library);
  if (missing.length > 0) {
    return `these CUDA libraries are not found: ${missing.join(', ')}; install CUDA 12 and cuDNN 9, or put their folder on LD_LIBRARY_PATH`;
  }
  return null;
}

/** The missing piece of any provider; null when none is known to be missing. */
export function findMissingProviderPart(provider: string, probe: ProviderProbe): string | null {
  return provider === 'cuda' ? findMissingCudaPart(probe) : null;
}

/** One sentence for the log and the diagnostics. `cause` is what was thrown, by us or by ONNX Runtime. */
export function explainProviderFailure(provider: string, cause: unknown, probe = createProviderProbe()): string {
  const said = cause instanceof Error ? cause.message.trim() : String(cause);
  const reason = findMissingProviderPart(provider, probe) ?? `ONNX Runtime says: ${said}`;
  return `Execution provider '${provider}' does not work: ${reason}.`;
}

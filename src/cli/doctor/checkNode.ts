/** @file Node.js itself and the native libraries: each is loaded and used, since a file that is there may still not fit. */
import { createRequire } from 'node:module';
import { attempt, fail, ok, type Check } from './Check.ts';

/** package.json, engines.node. */
const MINIMUM = [20, 20] as const;

/** `version` as in process.versions.node. */
export function checkNodeVersion(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
  if (enough) return ok('Node.js', version);
  return fail('Node.js', `${version}; ${MINIMUM.join('.')} or newer is needed`, 'https://nodejs.org/en/download');
}

/** The few calls that show a library to work; the rooms that own these libraries have their full types. */
interface NativeLibraries {
  sharp: { (options: object): { jpeg(): { toBuffer(): Promise<Uint8Array> } }; versions: Record<string, string> };
  'better-sqlite3': new (file: string) => {
    prepare(sql: string): { pluck(): { get(): string } };
    close(): void;
  };
  'hnswlib-node': {
    HierarchicalNSW: new (
      space: string,
      dimension: number,
    ) => {
      initIndex(size: number): void;
      addPoint(point: number[], label: number): void;
      searchKnn(point: number[], k: number): { neighbors: number[] };
    };
  };
  'onnxruntime-node': { env: { versions: Record<string, string> }; listSupportedBackends(): { name: string }[] };
}

const TRIALS: {
  readonly [Name in keyof NativeLibraries]: (library: NativeLibraries[Name]) => string | Promise<string>;
} = {
  sharp: async (sharp) => {
    await sharp({ create: { width: 2, height: 2, channels: 3, background: 'grey' } })
      .jpeg()
      .toBuffer();
    return `${sharp.versions.sharp} (libvips ${sharp.versions.vips}): reads and writes images`;
  },
  'better-sqlite3': (Database) => {
    const database = new Database(':memory:');
    const version = database.prepare('SELECT sqlite_version()').pluck().get();
    database.close();
    return `SQLite ${version}: map files`;
  },
  'hnswlib-node': ({ HierarchicalNSW }) => {
    const index = new HierarchicalNSW('l2', 2);
    index.initIndex(1);
    index.addPoint([0, 1], 7);
    if (index.searchKnn([0, 1], 1).neighbors[0] !== 7) throw new Error('a search gave a wrong answer');
    return 'search in large maps';
  },
  'onnxruntime-node': (runtime) => `${runtime.env.versions.node}: inference`,
};

const CURE = 'make setup (compiles it for this Node.js, and says what it lacks for that)';

export function checkNativeLibraries(): Promise<Check[]> {
  const load = createRequire(import.meta.url);
  return Promise.all(
    Object.entries(TRIALS).map(([name, trial]) =>
      attempt(name, CURE, () => (trial as (library: unknown) => string | Promise<string>)(load(name))),
    ),
  );
}

/** @file The ROS side: environment, binding, message classes, and what lets large images through Fast-DDS. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fail, ok, warn, type Check } from './Check.ts';

/** What a shell and a machine have of ROS. */
export interface RosFacts {
  readonly distro: string | null;
  /** AMENT_PREFIX_PATH, split. */
  readonly prefixes: readonly string[];
  readonly fromWheels: boolean;
  readonly middleware: string;
  /** Message packages, of those that the node speaks, that no prefix has. */
  readonly missingPackages: readonly string[];
  /** Null when rclnodejs's binding loads, otherwise why not. */
  readonly bindingProblem: string | null;
  /** Message packages without JavaScript classes. */
  readonly missingClasses: readonly string[];
  /** The profile file, its text, and the size of /dev/shm. */
  readonly profileFile: string | null;
  readonly profile: string | null;
  readonly sharedMemoryBytes: number | null;
}

const ENTER = '. scripts/ros-env.sh (after make setup), or source the ROS 2 installation and the workspace';

/** package.xml names the same ones. */
export const SPOKEN_PACKAGES = [
  'netvlad_localizer',
  'sensor_msgs',
  'geometry_msgs',
  'nav_msgs',
  'visualization_msgs',
  'diagnostic_msgs',
  'lifecycle_msgs',
  'std_srvs',
  'rcl_interfaces',
  'rosgraph_msgs',
  'tf2_msgs',
] as const;

/** 640x480 rgb8 fits eight times; the middleware's own default, 512 KB, not once. */
const SEGMENT_BYTES = 8 * 2 ** 20;
/** Three participants with config/fastdds.xml. */
const SHARED_MEMORY_BYTES = 128 * 2 ** 20;

/** What the node needs of ROS; one line when this shell has none. */
export function computeRosChecks(facts: RosFacts): readonly Check[] {
  if (facts.distro === null || facts.prefixes.length === 0) {
    return [warn('ROS 2', 'not in this shell: the node does not start here, the other commands work', ENTER)];
  }
  const origin = facts.fromWheels ? 'from the wheels in .ros' : 'as sourced';
  return [
    ok('ROS 2', `${facts.distro} ${origin}, ${facts.middleware}`),
    checkInterfaces(facts),
    checkBinding(facts),
    ...(facts.middleware === 'rmw_fastrtps_cpp' ? [checkProfile(facts), ...checkSharedMemory(facts)] : []),
  ];
}

function checkInterfaces({ missingPackages, missingClasses }: RosFacts): Check {
  const name = 'interfaces';
  if (missingPackages.length > 0) {
    return fail(name, `this ROS environment lacks ${missingPackages.join(', ')}`, `make setup, then ${ENTER}`);
  }
  if (missingClasses.length > 0) {
    return fail(name, `no JavaScript classes of ${missingClasses.join(', ')}`, 'make setup');
  }
  return ok(name, `${SPOKEN_PACKAGES.length} packages, with JavaScript classes`);
}

function checkBinding({ bindingProblem }: RosFacts): Check {
  if (bindingProblem === null) return ok('rclnodejs', 'its binding loads');
  return fail('rclnodejs', bindingProblem, 'make setup in this same ROS environment');
}

function checkProfile({ profileFile, profile }: RosFacts): Check {
  const name = 'Fast-DDS profile';
  const cure =
    'export FASTRTPS_DEFAULT_PROFILES_FILE=<share>/config/fastdds.xml, here and where the camera driver runs';
  if (profileFile === null) return warn(name, 'none: raw images above 0.5 MB get lost silently', cure);
  if (profile === null) return warn(name, `${profileFile} cannot be read`, cure);
  const segment = Number(/<segment_size>\s*(\d+)/.exec(profile)?.[1] ?? 0);
  if (segment >= SEGMENT_BYTES) return ok(name, profileFile);
  return warn(name, `${profileFile} gives shared memory ${segment} bytes: large raw images get lost`, cure);
}

function checkSharedMemory({ sharedMemoryBytes }: RosFacts): readonly Check[] {
  if (sharedMemoryBytes === null || sharedMemoryBytes >= SHARED_MEMORY_BYTES) return [];
  const found = `/dev/shm has ${Math.round(sharedMemoryBytes / 2 ** 20)} MB; each process on the graph takes about 35 MB`;
  return [warn('shared memory', found, 'in a container: docker run --shm-size=1g, or --ipc=host')];
}

function readText(file: string | null): string | null {
  try {
    return file === null ? null : readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function readSharedMemoryBytes(): number | null {
  try {
    const { blocks, bsize } = statfsSync('/dev/shm');
    return blocks * bsize;
  } catch {
    return null;
  }
}

function readReleaseName(): string {
  return /^VERSION_CODENAME=(.*)$/m.exec(readText('/etc/os-release') ?? '')?.[1] ?? '';
}

/**
 * Loads the binding in a process of its own: a wrong one may end it, and importing rclnodejs where it does not fit would
 * make that library delete and recompile its binding.
 */
function findBindingProblem(packageFolder: string, distro: string): string | null {
  const { platform, arch } = process;
  const file = `${distro}-${readReleaseName()}-${arch}-node-rclnodejs.node`;
  const binding = path.join(packageFolder, 'prebuilds', `${platform}-${arch}`, file);
  if (!existsSync(binding)) return `no binding for ROS ${distro} on this system (${file})`;
  const { status, stderr, signal } = spawnSync(process.execPath, ['-e', `require(${JSON.stringify(binding)})`], {
    encoding: 'utf8',
  });
  if (status === 0) return null;
  const reason = stderr.split('\n').find((line) => line.startsWith('Error')) ?? `exit code ${status ?? signal ?? '?'}`;
  return `its binding does not load: ${reason}`;
}

export function readRosFacts(environment: NodeJS.ProcessEnv): RosFacts {
  const prefixes = (environment.AMENT_PREFIX_PATH ?? '').split(':').filter((prefix) => prefix !== '');
  const distro = environment.ROS_DISTRO ?? null;
  const profileFile = environment.FASTRTPS_DEFAULT_PROFILES_FILE ?? null;
  const hasPackage = (name: string): boolean =>
    prefixes.some((prefix) => existsSync(path.join(prefix, 'share/ament_index/resource_index/packages', name)));
  const rclnodejs = findPackageFolder('rclnodejs');
  const hasClasses = (name: string): boolean =>
    rclnodejs !== null && existsSync(path.join(rclnodejs, 'generated', name));
  return {
    distro,
    prefixes,
    fromWheels: environment.NETVLAD_ROS_WHEELS !== undefined,
    middleware: environment.RMW_IMPLEMENTATION ?? 'rmw_fastrtps_cpp',
    missingPackages: SPOKEN_PACKAGES.filter((name) => !hasPackage(name)),
    bindingProblem:
      rclnodejs === null ? 'the package rclnodejs is not installed' : findBindingProblem(rclnodejs, distro ?? ''),
    missingClasses: SPOKEN_PACKAGES.filter((name) => !hasClasses(name)),
    profileFile,
    profile: readText(profileFile),
    sharedMemoryBytes: readSharedMemoryBytes(),
  };
}

/** Without importing it (see findBindingProblem). */
function findPackageFolder(name: string): string | null {
  const roots = createRequire(import.meta.url).resolve.paths(name) ?? [];
  return roots.map((root) => path.join(root, name)).find((folder) => existsSync(folder)) ?? null;
}

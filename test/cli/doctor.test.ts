/** @file The doctor's judgement on machines that are not this one, and the real thing on this one. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { attempt, formatChecks, ok, warn, type CheckState } from '../../src/cli/doctor/Check.ts';
import { checkCuda, CUDA_LIBRARIES, type CudaFacts } from '../../src/cli/doctor/checkCuda.ts';
import { checkMap } from '../../src/cli/doctor/checkFiles.ts';
import { checkNativeLibraries, checkNodeVersion } from '../../src/cli/doctor/checkNode.ts';
import { computeRosChecks, SPOKEN_PACKAGES, type RosFacts } from '../../src/cli/doctor/checkRos.ts';
import { createMapManifest, toMapModel } from '../../src/map/MapManifest.ts';
import { MapWriter } from '../../src/map/MapWriter.ts';
import { axis, modelManifest, newPlace } from '../support/placeBuilders.ts';

describe('doctor: Node.js', () => {
  for (const [version, state] of [
    ['18.20.4', 'fail'],
    ['20.19.5', 'fail'],
    ['20.20.0', 'ok'],
    ['20.20.2', 'ok'],
    ['22.1.0', 'ok'],
  ] as const) {
    it(`${version}: ${state}`, () => {
      assert.equal(checkNodeVersion(version).state, state);
    });
  }

  it('loads and uses every native library of this machine', async () => {
    const checks = await checkNativeLibraries();
    assert.deepEqual(
      checks.map(({ name, state }) => [name, state]),
      ['sharp', 'better-sqlite3', 'hnswlib-node', 'onnxruntime-node'].map((name) => [name, 'ok']),
    );
  });
});

describe('doctor: CUDA', () => {
  const bare: CudaFacts = { hasDevice: false, libraries: [], missingPart: 'its library is not installed' };
  const gpu: CudaFacts = { hasDevice: true, libraries: CUDA_LIBRARIES, missingPart: null };
  const { 0: driver, length } = CUDA_LIBRARIES;
  const cases: readonly [string, CudaFacts, boolean, CheckState, RegExp][] = [
    ['no GPU, none asked for', bare, false, 'ok', /no NVIDIA GPU/],
    ['no GPU, but asked for', bare, true, 'fail', /not installed; no NVIDIA device/],
    ['a GPU without the provider', { ...gpu, missingPart: bare.missingPart }, false, 'warn', /not installed$/],
    [
      'a GPU without the toolkit names the libraries',
      { hasDevice: true, libraries: [driver], missingPart: 'these CUDA libraries are not found' },
      false,
      'warn',
      /does not find libcudart\.so\.12, libcublas\.so\.12, .*libcudnn\.so\.9$/,
    ],
    ['everything', gpu, true, 'ok', new RegExp(`${length} found`)],
  ];
  for (const [what, facts, required, state, found] of cases) {
    it(`${what}: ${state}`, () => {
      const check = checkCuda(facts, required);
      assert.equal(check.state, state);
      assert.match(check.found, found);
      assert.equal(check.cure === null, state === 'ok');
    });
  }
});

describe('doctor: ROS', () => {
  const MIB = 2 ** 20;
  const healthy: RosFacts = {
    distro: 'jazzy',
    prefixes: ['/opt/ros/jazzy'],
    fromWheels: false,
    middleware: 'rmw_fastrtps_cpp',
    missingPackages: [],
    bindingProblem: null,
    missingClasses: [],
    profileFile: '/x/fastdds.xml',
    profile: '<segment_size>33554432</segment_size>',
    sharedMemoryBytes: 8192 * MIB,
  };

  it('finds nothing wrong with a healthy environment', () => {
    const checks = computeRosChecks(healthy);
    assert.deepEqual(
      checks.map(({ name, state }) => `${name}: ${state}`),
      ['ROS 2: ok', 'interfaces: ok', 'rclnodejs: ok', 'Fast-DDS profile: ok'],
    );
    assert.match(checks[1]!.found, new RegExp(`^${SPOKEN_PACKAGES.length} packages`));
  });

  it('without ROS says one thing: the node does not start here', () => {
    const checks = computeRosChecks({ ...healthy, distro: null, prefixes: [], bindingProblem: 'none' });
    assert.deepEqual(
      checks.map(({ name, state }) => `${name}: ${state}`),
      ['ROS 2: warn'],
    );
    assert.match(checks[0]!.cure!, /scripts\/ros-env\.sh/);
  });

  const cases: readonly [string, Partial<RosFacts>, string, CheckState, RegExp][] = [
    ['a message package is missing', { missingPackages: ['tf2_msgs'] }, 'interfaces', 'fail', /lacks tf2_msgs/],
    ['classes were not generated', { missingClasses: ['netvlad_localizer'] }, 'interfaces', 'fail', /no JavaScript/],
    ['the binding is of another ROS', { bindingProblem: 'no binding for ROS kilted' }, 'rclnodejs', 'fail', /kilted/],
    ['no profile', { profileFile: null, profile: null }, 'Fast-DDS profile', 'warn', /above 0\.5 MB/],
    ['a profile that is not there', { profile: null }, 'Fast-DDS profile', 'warn', /cannot be read/],
    ['a profile without a larger segment', { profile: '<dds/>' }, 'Fast-DDS profile', 'warn', /shared memory 0 bytes/],
    ['the shared memory of a container', { sharedMemoryBytes: 64 * MIB }, 'shared memory', 'warn', /has 64 MB/],
  ];
  for (const [what, difference, name, state, found] of cases) {
    it(`${what}: ${state}`, () => {
      const wrong = computeRosChecks({ ...healthy, ...difference }).filter((check) => check.state !== 'ok');
      assert.deepEqual(
        wrong.map((check) => [check.name, check.state]),
        [[name, state]],
      );
      assert.match(wrong[0]!.found, found);
      assert.notEqual(wrong[0]!.cure, null);
    });
  }

  it('asks for no Fast-DDS profile where another middleware runs', () => {
    const checks = computeRosChecks({ ...healthy, middleware: 'rmw_cyclonedds_cpp', profileFile: null });
    assert.ok(checks.every(({ state }) => state === 'ok'));
  });
});

describe('doctor: maps', () => {
  const model = modelManifest('test-model', 4);
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'doctor-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function writeMap(): string {
    const file = path.join(folder, 'city.vprmap');
    const writer = MapWriter.create(file, createMapManifest(toMapModel(model)));
    writer.append([newPlace('0.jpg', axis(0, 4)), newPlace('1.jpg', axis(1, 4))]);
    writer.close();
    return file;
  }

  it('passes a sound map whose model is known', async () => {
    const check = await checkMap(writeMap(), [{ path: 'm.json', sha256: model.onnx.sha256 }]);
    assert.deepEqual([check.state, check.found], ['ok', '2 places, checksums right']);
  });

  it('warns of a map that no known model made, naming its model', async () => {
    const check = await checkMap(writeMap(), []);
    assert.equal(check.state, 'warn');
    assert.match(check.found, /its model test-model/);
  });

  it('fails a file that is no map', async () => {
    const file = path.join(folder, 'notes.vprmap');
    writeFileSync(file, 'not a map at all');
    assert.equal((await checkMap(file, [])).state, 'fail');
  });
});

describe('doctor: report', () => {
  it('aligns names, puts cures below, and counts', async () => {
    const broken = await attempt('library', 'make setup', () => {
      throw new Error('no such file\nwith a stack');
    });
    assert.deepEqual(
      formatChecks([ok('Node.js', '20.20.2'), warn('ROS 2', 'absent', 'source it'), broken]).split('\n'),
      [
        'OK    Node.js  20.20.2',
        'WARN  ROS 2    absent',
        '               -> source it',
        'FAIL  library  no such file',
        '               -> make setup',
        '',
        '1 ok, 1 to look at, 1 failed',
      ],
    );
  });
});

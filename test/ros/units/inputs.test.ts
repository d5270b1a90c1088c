/** @file Arrivals, poses by stamp, fixes, keyframes and the words for silence. */
import assert from 'node:assert/strict';
import { planarPose, yawOf } from '../../../src/geo/poseAlgebra.ts';
import { ArrivalMonitor } from '../../../src/ros/ArrivalMonitor.ts';
import { checkQuality } from '../../../src/ros/diagnosticTasks.ts';
import { toStatus } from '../../../src/ros/DiagnosticUpdater.ts';
import { toCameraInfoTopic } from '../../../src/ros/ImageInput.ts';
import { checkInput, findQosConflict, type InputFacts } from '../../../src/ros/inputHealth.ts';
import { findNovelty } from '../../../src/ros/KeyframeSelector.ts';
import { parseFix } from '../../../src/ros/MotionInputs.ts';
import { PoseHistory } from '../../../src/ros/PoseHistory.ts';
import { SENSOR_QOS, type Endpoint, type Qos } from '../../../src/ros/RosNode.ts';

const second = (s: number): bigint => BigInt(Math.round(s * 1e9));

describe('ArrivalMonitor', () => {
  it('counts the rate over five seconds, and the age since the last', () => {
    const monitor = new ArrivalMonitor();
    for (let i = 0; i <= 100; i++) monitor.arrived(i * 100, second(i / 10), second(i / 10 + 0.25));
    const { count, rateHz, ageS, stampOffsetS, stampsBackwards } = monitor.read(10_500);
    assert.deepEqual([count, stampOffsetS, stampsBackwards], [101, -0.25, 0]);
    assert.ok(Math.abs(rateHz - 10) < 1e-9);
    assert.equal(ageS, 0.5);
    assert.equal(monitor.read(60_000).rateHz, 0);
    assert.equal(monitor.read(60_000).ageS, 50);
  });

  it('counts stamps that do not rise', () => {
    const monitor = new ArrivalMonitor();
    for (const stamp of [1, 2, 2, 1, 3]) monitor.arrived(0, second(stamp), null);
    assert.equal(monitor.read(0).stampsBackwards, 2);
  });
});

describe('PoseHistory', () => {
  it('interpolates between neighbours, also across the turn of angles', () => {
    const history = new PoseHistory();
    history.add(second(10), planarPose(0, 0, Math.PI - 0.1));
    history.add(second(10.1), planarPose(1, 2, -Math.PI + 0.1));
    const middle = history.at(second(10.05), 0.2)!;
    assert.ok(Math.abs(middle.x - 0.5) < 1e-6 && Math.abs(middle.y - 1) < 1e-6);
    assert.ok(Math.abs(Math.abs(yawOf(middle)) - Math.PI) < 1e-6);
  });

  it('takes the nearest at the ends, within the tolerance only', () => {
    const history = new PoseHistory();
    assert.equal(history.at(second(1), 1), null);
    history.add(second(1), planarPose(5, 0, 0));
    assert.equal(history.at(second(1.1), 0.2)!.x, 5);
    assert.equal(history.at(second(0.9), 0.2)!.x, 5);
    assert.equal(history.at(second(1.3), 0.2), null);
  });

  it('forgets the old and starts anew when time goes back', () => {
    const history = new PoseHistory();
    for (let i = 0; i < 10_000; i++) history.add(second(i), planarPose(i, 0, 0));
    assert.ok(history.size < 4001);
    assert.equal(history.at(second(9999), 0)!.x, 9999);
    history.add(second(3), planarPose(-1, 0, 0));
    assert.equal(history.size, 1);
  });
});

describe('NavSatFix', () => {
  const message = {
    header: { stamp: { sec: 1, nanosec: 2 }, frame_id: 'gps' },
    status: { status: 0, service: 1 },
    ...{ latitude: 48, longitude: 11, altitude: 500 },
    position_covariance: [4, 1, 0, 1, 9, 0, 0, 0, 16],
    position_covariance_type: 3,
  };

  it('gives position and horizontal covariance', () => {
    assert.deepEqual(parseFix(message), {
      stampNs: 1_000_000_002n,
      geo: { latDeg: 48, lonDeg: 11, altM: 500 },
      covariance: [4, 1, 1, 9],
    });
  });

  it('is taken for a plain receiver when it does not say how good it is, and not taken without a fix', () => {
    assert.deepEqual(parseFix({ ...message, position_covariance_type: 0 })!.covariance, [100, 0, 0, 100]);
    assert.equal(parseFix({ ...message, status: { status: -1, service: 1 } }), null);
    assert.equal(parseFix({ ...message, latitude: NaN }), null);
  });
});

describe('keyframes', () => {
  const thresholds = { distanceM: 2, turnRad: 0.5, similarity: 0.6 };
  const descriptor = Float32Array.of(1, 0);
  const last = { pose: planarPose(0, 0, 3), descriptor };
  const cases = [
    ['the first frame', null, { pose: null, descriptor }, 'first'],
    ['a frame 2 m on', last, { pose: planarPose(0, 2, 3), descriptor }, 'distance'],
    ['a frame 1.9 m on', last, { pose: planarPose(0, 1.9, 3), descriptor }, null],
    ['a turn across 180 degrees', last, { pose: planarPose(0, 0, -2.7), descriptor }, 'turn'],
    ['a small turn across 180 degrees', last, { pose: planarPose(0, 0, -3), descriptor }, null],
    ['another view without poses', last, { pose: null, descriptor: Float32Array.of(0.5, 0.86) }, 'novelty'],
    ['the first frame with a pose', { pose: null, descriptor }, last, 'first'],
    ['the same view without poses', last, { pose: null, descriptor }, null],
  ] as const;
  for (const [what, before, next, expected] of cases) {
    it(`${what}: ${expected ?? 'not a keyframe'}`, () => {
      assert.equal(findNovelty(before, next, thresholds), expected);
    });
  }
});

describe('input health', () => {
  const camera: Endpoint = { node: '/camera', type: 'sensor_msgs/msg/Image', qos: SENSOR_QOS };
  const healthy: InputFacts = {
    topic: '/image',
    type: 'sensor_msgs/msg/Image',
    qos: SENSOR_QOS,
    publishers: [camera],
    twin: { topic: '/image/compressed', transport: 'compressed', publishers: [] },
    arrivals: { count: 100, rateHz: 30, ageS: 0.03, stampOffsetS: -0.02, stampsBackwards: 0 },
    ...{ cameraInfoHz: 30, listeningS: 10, expectedRateHz: 30, stampToleranceS: 5, simulatedTime: false, clockNs: 1n },
  };

  it('finds nothing wrong with a healthy camera', () => {
    assert.deepEqual(checkInput(healthy), []);
  });

  it('waits two seconds before it calls silence', () => {
    const silent = { ...healthy, publishers: [], arrivals: { ...healthy.arrivals, count: 0, ageS: null, rateHz: 0 } };
    assert.deepEqual(checkInput({ ...silent, listeningS: 1 }), []);
    assert.deepEqual(
      checkInput({ ...silent, listeningS: 3 }).map(({ id }) => id),
      ['no-publisher'],
    );
  });

  it('tells lost frames by the camera_info that comes', () => {
    const lossy = { ...healthy, arrivals: { ...healthy.arrivals, rateHz: 4 } };
    assert.deepEqual(
      checkInput(lossy).map(({ id, level }) => [id, level]),
      [
        ['frames-lost', 'warn'],
        ['low-rate', 'warn'],
      ],
    );
    const none = { ...healthy, arrivals: { ...healthy.arrivals, rateHz: 0, ageS: null } };
    assert.deepEqual(
      checkInput(none).map(({ id, level }) => [id, level]),
      [['frames-lost', 'error']],
    );
  });

  const qos = (reliability: Qos['reliability'], durability: Qos['durability']): Qos => ({
    reliability,
    durability,
    depth: 1,
  });
  const conflicts = [
    [qos('reliable', 'volatile'), qos('best_effort', 'volatile'), null],
    [qos('best_effort', 'volatile'), qos('reliable', 'volatile'), /reliability/],
    [qos('reliable', 'transient_local'), qos('reliable', 'volatile'), null],
    [qos('reliable', 'volatile'), qos('reliable', 'transient_local'), /durability/],
  ] as const;
  for (const [offered, requested, expected] of conflicts) {
    it(`offered ${offered.reliability} ${offered.durability}, requested ${requested.reliability} ${requested.durability}`, () => {
      const conflict = findQosConflict(offered, requested);
      if (expected === null) assert.equal(conflict, null);
      else assert.match(conflict!, expected);
    });
  }

  it('knows the camera_info beside a camera', () => {
    assert.equal(toCameraInfoTopic('/front/image_raw'), '/front/camera_info');
    assert.equal(toCameraInfoTopic('/front/image_raw/compressed'), '/front/camera_info');
    assert.equal(toCameraInfoTopic('/image'), '/camera_info');
  });

  it('speaks of black, covered and blurred pictures', () => {
    const good = { brightness: 100, contrast: 40, sharpness: 0.12 };
    const idsOf = (changes: Partial<typeof good>): readonly string[] =>
      checkQuality({ ...good, ...changes }).map(({ id }) => id);
    assert.deepEqual(
      [idsOf({}), idsOf({ brightness: 3 }), idsOf({ contrast: 2 }), idsOf({ sharpness: 0.01 })],
      [[], ['black'], ['covered'], ['blurred']],
    );
  });
});

describe('diagnostic status', () => {
  it('has the worst level of its findings, and all their words', () => {
    const findings = [
      { id: 'a', level: 'warn', text: 'Slow.' },
      { id: 'b', level: 'error', text: 'Broken.' },
    ] as const;
    const report = { summary: 'Fine.', findings, values: { rate: 1 / 3, on: true, n: 3, none: NaN } };
    const status = toStatus('localizer: input', report, 'camera');
    assert.deepEqual([status.level, status.message], [2, 'Slow. Broken.']);
    assert.deepEqual(
      status.values.map(({ value }) => value),
      ['0.3333', 'true', '3', 'unknown'],
    );
    assert.deepEqual(toStatus('x', { ...report, findings: [] }, '').message, 'Fine.');
  });
});

/** @file Decisions as messages: what is given, what stays silent, covariances that others accept, the base of the robot. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isPositiveDefinite } from '../../../src/geo/covariance.ts';
import { createDatum } from '../../../src/geo/LocalDatum.ts';
import { composePoses, invertPose, planarPose } from '../../../src/geo/poseAlgebra.ts';
import type { Pose } from '../../../src/geo/Pose.ts';
import type { Decision } from '../../../src/localization/Localizer.ts';
import { BODY_FROM_OPTICAL, FrameTree, isOpticalFrame } from '../../../src/ros/CameraTransforms.ts';
import { toBaseDecision } from '../../../src/ros/toBaseDecision.ts';
import {
  toAcceptableCovariance,
  toFix,
  toHypothesesMessage,
  toMarkers,
  toPoseArray,
  toPoseStamped,
  type MessageContext,
} from '../../../src/ros/toMessages.ts';

const CONTEXT: MessageContext = {
  frame: 'map',
  mapId: 'a map',
  modelId: 'a model',
  datum: createDatum({ latDeg: 48, lonDeg: 11, altM: 500 }),
};
const COVARIANCE = Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 0.25 : 0));

function located(pose: Pose, covariance = COVARIANCE): Decision {
  const best = {
    ...{ rank: 0, place: 7, image: 'a.jpg', similarity: 0.9, evidence: NaN, probability: 0.97 },
    ...{ pose, covariance, geo: null, databaseStampNs: null },
  };
  return { state: 'located', stampNs: 5n, confidence: 0.97, reason: 'sure', hypotheses: [best], pose, covariance };
}

const near = (actual: number, expected: number, tolerance = 1e-9): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
};

describe('decision messages', () => {
  it('carry state, stamp and identity', () => {
    const message = toHypothesesMessage(located(planarPose(1, 2, 0)), CONTEXT);
    assert.deepEqual(
      [message.header, message.map_id, message.model_id, message.state, message.reason],
      [{ stamp: { sec: 0, nanosec: 5 }, frame_id: 'map' }, 'a map', 'a model', 2, ''],
    );
    assert.equal(message.hypotheses[0]!.place_id, 7n);
    assert.deepEqual(message.hypotheses[0]!.database_stamp, { sec: 0, nanosec: 0 });
  });

  for (const state of ['lost', 'uncertain', 'off_map'] as const) {
    it(`give neither pose nor fix while ${state}`, () => {
      const { stampNs, confidence, reason, hypotheses } = located(planarPose(1, 2, 0));
      const decision: Decision = { state, stampNs, confidence, reason, hypotheses };
      assert.deepEqual([toPoseStamped(decision, CONTEXT), toFix(decision, CONTEXT)], [null, null]);
      assert.equal(toHypothesesMessage(decision, CONTEXT).reason, 'sure');
      assert.equal(toPoseArray(decision, CONTEXT).poses.length, 1);
    });
  }

  it('name the place without inventing a pose in a map without positions', () => {
    const decision = located(planarPose(0, 0, 0));
    const topological = {
      ...decision,
      pose: null,
      hypotheses: [{ ...decision.hypotheses[0]!, pose: null }],
    } as Decision;
    assert.ok(Number.isNaN(toHypothesesMessage(topological, CONTEXT).hypotheses[0]!.pose.pose.position.x));
    assert.equal(toPoseStamped(topological, CONTEXT), null);
    assert.deepEqual(toPoseArray(topological, CONTEXT).poses, []);
    assert.equal(toMarkers(topological, CONTEXT).length, 1, 'only what deletes the markers before');
  });

  it('remove all markers of the frame before, and give each of their own a name that is its alone', () => {
    const [first, ...others] = toMarkers(located(planarPose(1, 2, 0)), CONTEXT);
    // visualization_msgs/Marker: DELETEALL of a namespace leaves the other namespaces
    assert.deepEqual([first!.action, first!.ns], [3, '']);
    assert.deepEqual(
      others.map(({ action, ns, id }) => [action, ns, id]),
      [
        [0, 'hypotheses', 0],
        [0, 'state', 0],
      ],
    );
    // RViz: "Multiple Markers in the same MarkerArray message had the same ns and id"
    const names = [first!, ...others].map(({ ns, id }) => `${ns}/${id}`);
    assert.equal(new Set(names).size, names.length);
  });

  it('say of an unknown heading that it is anywhere on the circle', () => {
    const pose = { ...planarPose(1, 2, 0), qx: NaN, qy: NaN, qz: NaN, qw: NaN };
    const message = toPoseStamped(located(pose), CONTEXT)!;
    assert.deepEqual(message.pose.pose.orientation, { x: 0, y: 0, z: 0, w: 1 });
    near(message.pose.covariance[35]!, Math.PI ** 2);
  });

  it('give the datum back for the origin of the map', () => {
    const fix = toFix(located(planarPose(0, 0, 1)), CONTEXT)!;
    near(fix.latitude, 48);
    near(fix.longitude, 11);
    near(fix.altitude, 500, 1e-6);
    assert.deepEqual([fix.position_covariance[0], fix.position_covariance_type], [0.25, 2]);
  });
});

describe('acceptable covariance', () => {
  it('replaces a negative element by more variance on both axes', () => {
    const covariance = Float64Array.from(COVARIANCE);
    covariance[1] = covariance[6] = -0.2;
    const result = toAcceptableCovariance(covariance);
    near(result[0]!, 0.45);
    near(result[7]!, 0.45);
    assert.equal(result[1], 0);
  });

  it("is symmetric, in nav2's range, and nowhere more certain than what it is made of", () => {
    const factor = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 36, maxLength: 36 });
    fc.assert(
      fc.property(factor, (a) => {
        const covariance = new Float64Array(36);
        for (let i = 0; i < 6; i++)
          for (let j = 0; j < 6; j++)
            for (let k = 0; k < 6; k++) covariance[i * 6 + j]! += a[i * 6 + k]! * a[j * 6 + k]!;
        const result = toAcceptableCovariance(covariance);
        for (let i = 0; i < 36; i++) {
          assert.ok(result[i]! >= 0 && result[i]! <= 1e9);
          assert.equal(result[i], result[(i % 6) * 6 + Math.floor(i / 6)]);
        }
        const surplus = result.map((value, i) => value - covariance[i]! + (i % 7 === 0 ? 1e-6 : 0));
        assert.ok(isPositiveDefinite(surplus, 6));
      }),
    );
  });
});

describe('poses of the base', () => {
  it('move the pose, and the uncertainty of the heading into the position', () => {
    // The camera looks north at (10, 20), 2 m before the base: the base lies 2 m south of it.
    const decision = toBaseDecision(located(planarPose(10, 20, Math.PI / 2)), { ...planarPose(-2, 0, 0), z: -1 });
    assert.ok(decision.state === 'located' && decision.pose !== null && decision.covariance !== null);
    near(decision.pose.x, 10);
    near(decision.pose.y, 18);
    near(decision.pose.z, -1);
    near(decision.covariance[0]!, 0.25 + 0.25 * 2 ** 2); // across the lever arm
    near(decision.covariance[7]!, 0.25); // along it
    near(decision.hypotheses[0]!.pose!.y, 18);
  });

  it('agree with sampled turns to first order', () => {
    const [yaw, sigma] = [0.7, 0.01];
    const camera = planarPose(3, 4, yaw);
    const cameraFromBase = planarPose(-1.2, 0.5, 0.3);
    const covariance = new Float64Array(36);
    covariance[35] = sigma ** 2;
    const decision = toBaseDecision(located(camera, covariance), cameraFromBase);
    assert.ok(decision.state === 'located' && decision.covariance !== null);
    const at = (turn: number): Pose => composePoses(planarPose(3, 4, yaw + turn), cameraFromBase);
    const [before, after] = [at(-sigma), at(sigma)];
    const [dx, dy] = [(after.x - before.x) / 2, (after.y - before.y) / 2];
    near(decision.covariance[0]!, dx * dx, 1e-8);
    near(decision.covariance[1]!, dx * dy, 1e-8);
    near(decision.covariance[7]!, dy * dy, 1e-8);
    near(decision.covariance[5]!, dx * sigma, 1e-8);
    near(decision.covariance[11]!, dy * sigma, 1e-8);
  });
});

describe('frames', () => {
  it('are found through common ancestors', () => {
    const tree = new FrameTree();
    tree.set('base', 'mast', planarPose(1, 0, Math.PI / 2));
    tree.set('mast', 'left', planarPose(2, 0, 0));
    tree.set('mast', 'right', planarPose(-2, 0, 0));
    const leftFromRight = tree.lookUp('left', 'right')!;
    near(leftFromRight.x, -4);
    const baseFromLeft = tree.lookUp('base', 'left')!;
    near(baseFromLeft.x, 1);
    near(baseFromLeft.y, 2);
    assert.deepEqual(composePoses(baseFromLeft, invertPose(baseFromLeft)).x, 0);
    assert.equal(tree.lookUp('base', 'elsewhere'), null);
    tree.set('left', 'base', planarPose(0, 0, 0)); // a cycle, as a broken robot description has
    assert.equal(tree.lookUp('elsewhere', 'base'), null);
  });

  it('are optical by their name, and turned into the body as REP-103 says', () => {
    assert.deepEqual(['camera_optical_frame', 'camera_optical', 'camera_link', 'optical_table'].map(isOpticalFrame), [
      true,
      true,
      false,
      false,
    ]);
    const ahead = composePoses(BODY_FROM_OPTICAL, { ...planarPose(0, 0, 0), z: 1 });
    near(ahead.x, 1); // optical z is forward
    const right = composePoses(BODY_FROM_OPTICAL, planarPose(1, 0, 0));
    near(right.y, -1); // optical x is to the right
  });
});

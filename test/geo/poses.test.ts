/** @file Angles, quaternions, poses and covariances: identities that hold for every input. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { circularMean, compassToYaw, wrapAngle, wrapDegrees, yawToCompass } from '../../src/geo/angles.ts';
import {
  chiSquare2Quantile,
  covarianceEllipse,
  isPositiveDefinite,
  mahalanobis2,
  planarBlock,
  poseCovariance,
  rotateCovariance2,
  rotateCovariance6,
} from '../../src/geo/covariance.ts';
import { composePoses, createPose, invertPose, planarPose, relativePose, yawOf } from '../../src/geo/poseAlgebra.ts';
import type { Pose } from '../../src/geo/Pose.ts';
import {
  normalizeQuaternion,
  quaternionFromYaw,
  rotateVector,
  rotationMatrix,
  yawFromQuaternion,
} from '../../src/geo/quaternion.ts';

const real = fc.double({ min: -1000, max: 1000, noNaN: true });
const angle = fc.double({ min: -50, max: 50, noNaN: true });
const unit = fc.double({ min: -1, max: 1, noNaN: true });
const quaternion = fc
  .tuple(unit, unit, unit, unit)
  .filter((q) => Math.hypot(...q) > 0.1)
  .map(([x, y, z, w]) => normalizeQuaternion([x, y, z, w]));
const pose = fc.tuple(real, real, real, quaternion).map(([x, y, z, q]) => createPose({ x, y, z }, q));
const covariance = fc
  .tuple(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0.01, max: 100, noNaN: true }), unit)
  .map(([xx, yy, r]) => ({ xx, yy, xy: 0.99 * r * Math.sqrt(xx * yy) }));

function assertClose(actual: number, expected: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} within ${tolerance}`);
}

function assertSamePose(a: Pose, b: Pose): void {
  assertClose(a.x, b.x, 1e-8);
  assertClose(a.y, b.y, 1e-8);
  assertClose(a.z, b.z, 1e-8);
  // q and -q are one rotation.
  assertClose(Math.abs(a.qx * b.qx + a.qy * b.qy + a.qz * b.qz + a.qw * b.qw), 1, 1e-9);
}

describe('angles', () => {
  it('wrap into (-pi, pi] and keep the direction', () => {
    assert.equal(wrapAngle(Math.PI), Math.PI);
    assert.equal(wrapAngle(-Math.PI), Math.PI);
    assertClose(wrapAngle(3 * Math.PI), Math.PI);
    fc.assert(
      fc.property(angle, (a) => {
        const wrapped = wrapAngle(a);
        assert.ok(wrapped > -Math.PI - 1e-15 && wrapped <= Math.PI);
        assertClose(Math.cos(wrapped - a), 1);
      }),
    );
  });

  it('wrap degrees into [-180, 180)', () => {
    assert.deepEqual([180, -180, 359, 540, 52.2050448].map(wrapDegrees), [-180, -180, -1, -180, 52.2050448]);
  });

  it('turn compass headings into ENU yaw: north is +90 degrees, east is 0', () => {
    const expected: [number, number][] = [
      [0, Math.PI / 2],
      [90, 0],
      [180, -Math.PI / 2],
      [270, Math.PI],
    ];
    for (const [heading, yaw] of expected) {
      assertClose(compassToYaw(heading), yaw);
      assertClose(yawToCompass(yaw), heading);
    }
    fc.assert(
      fc.property(fc.double({ min: 0, max: 359.9, noNaN: true }), (heading) => {
        assertClose(yawToCompass(compassToYaw(heading)), heading, 1e-9);
      }),
    );
  });

  it('average across the wrap, and say when there is no direction', () => {
    const across = circularMean([Math.PI - 0.1, -Math.PI + 0.1]);
    assertClose(Math.abs(across.meanRad), Math.PI);
    assertClose(across.resultant, Math.cos(0.1));
    assertClose(circularMean([0, Math.PI]).resultant, 0);
    assert.equal(circularMean([]).resultant, 0);
    assertClose(circularMean([0, 1, Number.NaN], [3, 0, 5]).meanRad, 0);
  });
});

describe('poses', () => {
  it('compose and invert as a group', () => {
    fc.assert(
      fc.property(pose, pose, pose, (a, b, c) => {
        assertSamePose(composePoses(composePoses(a, b), c), composePoses(a, composePoses(b, c)));
        assertSamePose(composePoses(a, invertPose(a)), planarPose(0, 0, 0));
        assertSamePose(composePoses(a, relativePose(a, b)), b);
      }),
    );
  });

  it('move forward along their heading', () => {
    const moved = composePoses(planarPose(10, 20, Math.PI / 2), planarPose(3, 0, 0));
    assertSamePose(moved, planarPose(10, 23, Math.PI / 2));
  });

  it('keep their yaw, whatever the roll and pitch order says', () => {
    fc.assert(
      fc.property(angle, (yaw) => {
        assertClose(Math.cos(yawFromQuaternion(quaternionFromYaw(yaw)) - yaw), 1);
      }),
    );
    assert.ok(Number.isNaN(yawOf(planarPose(0, 0, Number.NaN))));
  });

  it('rotate by quaternion and by matrix alike', () => {
    fc.assert(
      fc.property(quaternion, fc.tuple(real, real, real), (q, v) => {
        const byQuaternion = rotateVector(q, v);
        const r = rotationMatrix(q);
        for (let i = 0; i < 3; i++) {
          assertClose(byQuaternion[i]!, r[i * 3]! * v[0] + r[i * 3 + 1]! * v[1] + r[i * 3 + 2]! * v[2], 1e-8);
        }
      }),
    );
  });

  it('refuse a quaternion that is no rotation', () => {
    assert.throws(() => normalizeQuaternion([0, 0, 0, 0]), /is not a rotation/);
    assert.throws(() => normalizeQuaternion([Number.NaN, 0, 0, 1]), /is not a rotation/);
  });
});

describe('covariances', () => {
  it('have the 95 % ellipse of chi-square with two degrees of freedom', () => {
    assertClose(chiSquare2Quantile(0.95), 5.991464547107979);
    const ellipse = covarianceEllipse({ xx: 4, xy: 0, yy: 1 }, 0.95);
    assertClose(ellipse.majorM, 2 * Math.sqrt(5.991464547107979));
    assertClose(ellipse.minorM, Math.sqrt(5.991464547107979));
    assertClose(ellipse.angleRad, 0);
  });

  it('rotate without changing their ellipse or any Mahalanobis distance', () => {
    fc.assert(
      fc.property(covariance, angle, real, real, (p, yaw, dx, dy) => {
        const rotated = rotateCovariance2(p, yaw);
        const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
        const before = mahalanobis2(p, dx, dy);
        assertClose(mahalanobis2(rotated, c * dx - s * dy, s * dx + c * dy), before, 1e-6 * (1 + before));
        assertClose(covarianceEllipse(rotated, 0.95).majorM, covarianceEllipse(p, 0.95).majorM, 1e-6);
      }),
    );
  });

  it('rotate as 6x6 the same way, and stay positive definite', () => {
    fc.assert(
      fc.property(covariance, angle, quaternion, (p, yaw, q) => {
        const full = poseCovariance(p, { z: 1, rollPitch: 0.1, yaw: 0.2 });
        const planar = planarBlock(rotateCovariance6(full, quaternionFromYaw(yaw)));
        const expected = rotateCovariance2(p, yaw);
        assertClose(planar.xx, expected.xx, 1e-8);
        assertClose(planar.xy, expected.xy, 1e-8);
        assertClose(planar.yy, expected.yy, 1e-8);
        assert.ok(isPositiveDefinite(full, 6));
        assert.ok(isPositiveDefinite(symmetrized(rotateCovariance6(full, q)), 6));
      }),
    );
  });

  it('that are singular, negative or NaN are recognised', () => {
    assert.ok(!isPositiveDefinite(Float64Array.of(1, 1, 1, 1), 2));
    assert.ok(!isPositiveDefinite(Float64Array.of(1, 0.5, 0.2, 1), 2));
    assert.ok(!isPositiveDefinite(Float64Array.of(Number.NaN, 0, 0, 1), 2));
    assert.equal(mahalanobis2({ xx: 1, xy: 1, yy: 1 }, 1, 0), Number.POSITIVE_INFINITY);
  });
});

/** Rounding differs by an ulp between mirrored entries. */
function symmetrized(p: Float64Array): Float64Array {
  return p.map((value, index) => (value + p[(index % 6) * 6 + Math.floor(index / 6)]!) / 2);
}

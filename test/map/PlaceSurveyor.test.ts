import assert from 'node:assert/strict';
import type { GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import type { GeoPoint } from '../../src/geo/Pose.ts';
import type { Place } from '../../src/map/Place.ts';
import { PlaceSurveyor } from '../../src/map/PlaceSurveyor.ts';
import { imageOf } from '../support/colourModel.ts';

const image = (facts: Partial<GeotaggedImage>): GeotaggedImage => imageOf('i.jpg', new Uint8Array(0), facts);
const geo = (latDeg: number, lonDeg: number): GeoPoint => ({ latDeg, lonDeg, altM: NaN });
const local = (x: number, y: number): { x: number; y: number; z: number } => ({ x, y, z: 0 });

const CAMBRIDGE = geo(52.2, 0.12);
/** One thousandth of a degree of latitude at 52.2 degrees: 111.2684 m (series of the meridian arc, WGS-84). */
const MILLIDEGREE_NORTH_M = 111.2684;

function survey(surveyor: PlaceSurveyor, facts: Partial<GeotaggedImage>): Omit<Place, 'id'> {
  const place = surveyor.survey(image(facts));
  assert.ok(!('problem' in place), 'problem' in place ? place.problem : '');
  return place;
}

describe('PlaceSurveyor', () => {
  it('makes the first geotag the datum and measures from it', () => {
    const surveyor = new PlaceSurveyor(null);
    assert.equal(surveyor.datum, null);
    const first = survey(surveyor, { geo: CAMBRIDGE });
    const north = survey(surveyor, { geo: geo(52.201, 0.12) });
    assert.deepEqual(surveyor.datum, CAMBRIDGE);
    assert.ok(Math.hypot(first.pose!.x, first.pose!.y) < 1e-6);
    assert.ok(Math.abs(north.pose!.x) < 1e-6);
    assert.ok(Math.abs(north.pose!.y - MILLIDEGREE_NORTH_M) < 0.01, `y = ${north.pose!.y}`);
  });

  it('keeps local metres as they are, without a datum', () => {
    const surveyor = new PlaceSurveyor(null);
    const { pose } = survey(surveyor, { local: local(3, -4), yawRad: Math.PI / 2 });
    assert.equal(surveyor.datum, null);
    assert.deepEqual([pose!.x, pose!.y, pose!.qx, pose!.qy], [3, -4, 0, 0]);
    assert.ok(Math.abs(pose!.qz - Math.SQRT1_2) < 1e-12 && Math.abs(pose!.qw - Math.SQRT1_2) < 1e-12);
  });

  it('anchors local metres at a given datum', () => {
    const surveyor = new PlaceSurveyor(CAMBRIDGE);
    const place = survey(surveyor, { local: local(0, MILLIDEGREE_NORTH_M) });
    assert.ok(Math.abs(place.geo!.latDeg - 52.201) < 1e-7, `lat = ${place.geo!.latDeg}`);
    assert.ok(Math.abs(place.geo!.lonDeg - 0.12) < 1e-9);
  });

  it('leaves the heading open where the source does', () => {
    const { pose } = survey(new PlaceSurveyor(null), { local: local(1, 1) });
    assert.ok([pose!.qx, pose!.qy, pose!.qz, pose!.qw].every(Number.isNaN));
  });

  it('prefers a full orientation to a heading', () => {
    const { pose } = survey(new PlaceSurveyor(null), { local: local(1, 1), yawRad: 1, orientation: [1, 0, 0, 0] });
    assert.equal(pose!.qx, 1);
  });

  it('takes images without position: a topological place', () => {
    const place = survey(new PlaceSurveyor(null), { frame: 4, place: 'hall' });
    assert.deepEqual([place.pose, place.geo, place.frame, place.label], [null, null, 4, 'hall']);
  });

  const mixed = [
    {
      name: 'lat,lon after x_m,y_m',
      first: { local: local(0, 0) },
      then: { geo: CAMBRIDGE },
      expected: /only lat and lon/,
    },
    {
      name: 'x_m,y_m after lat,lon',
      first: { geo: CAMBRIDGE },
      then: { local: local(0, 0) },
      expected: /only x_m and y_m/,
    },
  ];
  for (const { name, first, then, expected } of mixed) {
    it(`names the cure when positions cannot be brought together: ${name}`, () => {
      const surveyor = new PlaceSurveyor(null);
      survey(surveyor, first);
      const problem = surveyor.survey(image(then));
      assert.ok('problem' in problem);
      assert.match(problem.problem, expected);
      assert.match(problem.problem, /--datum LAT,LON/);
    });
  }
});

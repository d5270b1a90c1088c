/** @file WGS-84, ENU and UTM against PROJ 9 (pyproj 3.7), geolib, and themselves there and back. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { geodesicDistanceM } from '../../src/geo/geodesicDistance.ts';
import { createDatum, toEnu, toGeodetic } from '../../src/geo/LocalDatum.ts';
import type { GeoPoint } from '../../src/geo/Pose.ts';
import { fromUtm, toUtm, utmZone } from '../../src/geo/utm.ts';
import { ecefToGeodetic, geodeticToEcef } from '../../src/geo/wgs84.ts';

const latitude = fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), fc.constantFrom(-90, 90, 0, 89.9999999));
const longitude = fc.oneof(fc.double({ min: -180, max: 180, noNaN: true }), fc.constantFrom(-180, 180, 0));
const altitude = fc.double({ min: -400, max: 9000, noNaN: true });
const geoPoint = fc.record({ latDeg: latitude, lonDeg: longitude, altM: altitude });

function assertClose(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} within ${tolerance}`);
}

function separationM(a: GeoPoint, b: GeoPoint): number {
  const [p, q] = [geodeticToEcef(a), geodeticToEcef(b)];
  return Math.hypot(p.x - q.x, p.y - q.y, p.z - q.z);
}

describe('ECEF', () => {
  const cases: [GeoPoint, [number, number, number]][] = [
    [{ latDeg: 52.2050448, lonDeg: 0.1195771, altM: 30 }, [3916966.609420586, 8174.776431386765, 5016841.285907607]],
    [{ latDeg: 40.4406, lonDeg: -79.9959, altM: 300 }, [844506.2085143909, -4787429.40040986, 4115536.633602267]],
    [{ latDeg: -89.999, lonDeg: 180, altM: -20 }, [-111.69363048759251, 0, -6356732.313270468]],
    [{ latDeg: 90, lonDeg: 0, altM: 0 }, [0, 0, 6356752.314245179]],
  ];
  for (const [geo, [x, y, z]] of cases) {
    it(`equals PROJ at ${geo.latDeg}, ${geo.lonDeg}`, () => {
      const ecef = geodeticToEcef(geo);
      assertClose(ecef.x, x, 1e-8);
      assertClose(ecef.y, y, 1e-8);
      assertClose(ecef.z, z, 1e-8);
    });
  }

  it('comes back to the same point, poles and date line included', () => {
    fc.assert(
      fc.property(geoPoint, (geo) => {
        assert.ok(separationM(ecefToGeodetic(geodeticToEcef(geo)), geo) < 1e-7);
      }),
    );
  });
});

describe('ENU datum', () => {
  const datum = createDatum({ latDeg: 52.2050448, lonDeg: 0.1195771, altM: 20 });
  const cases: [GeoPoint, [number, number, number]][] = [
    [{ latDeg: 52.205, lonDeg: 0.12, altM: 20 }, [28.91116719053814, -4.984883119187805, -6.733763531885373e-5]],
    [{ latDeg: 52.21, lonDeg: 0.13, altM: 45 }, [712.4747178882373, 551.4266103123043, 24.936442618889885]],
    [{ latDeg: 52, lonDeg: 0, altM: 100 }, [-8212.440524208672, -22808.728672013847, 33.92334058472443]],
  ];
  for (const [geo, [east, north, up]] of cases) {
    it(`equals PROJ's topocentric frame at ${geo.latDeg}, ${geo.lonDeg}`, () => {
      const local = toEnu(datum, geo);
      assertClose(local.x, east, 1e-7);
      assertClose(local.y, north, 1e-7);
      assertClose(local.z, up, 1e-7);
    });
  }

  it('comes back to the same point anywhere on earth', () => {
    fc.assert(
      fc.property(geoPoint, geoPoint, (origin, geo) => {
        const there = createDatum(origin);
        assert.ok(separationM(toGeodetic(there, toEnu(there, geo)), geo) < 1e-6);
      }),
    );
  });

  it('measures what geolib measures along the ground', () => {
    const near = fc.double({ min: -0.01, max: 0.01, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: -80, max: 80, noNaN: true }), longitude, near, near, (lat, lon, dLat, dLon) => {
        const a = { latDeg: lat, lonDeg: lon, altM: 0 };
        const b = { latDeg: lat + dLat, lonDeg: Math.max(-180, Math.min(180, lon + dLon)), altM: 0 };
        const local = toEnu(createDatum(a), b);
        // Chord against arc: below 1e-6 of the length over 1.5 km; geolib rounds to centimetres.
        assertClose(Math.hypot(local.x, local.y), geodesicDistanceM(a, b), 0.006);
      }),
    );
  });

  it('crosses the date line', () => {
    const local = toEnu(createDatum({ latDeg: 10, lonDeg: 179.9999, altM: 0 }), {
      latDeg: 10.0001,
      lonDeg: -179.9999,
      altM: 0,
    });
    assertClose(Math.hypot(local.x, local.y), 24.559565, 1e-4); // PROJ's geodesic
  });

  it("takes an unknown altitude as the datum's and says nothing of an altitude it does not know", () => {
    const local = toEnu(datum, { latDeg: 52.205, lonDeg: 0.12, altM: Number.NaN });
    assertClose(local.z, -6.733763531885373e-5, 1e-7);
    const flat = createDatum({ latDeg: 1, lonDeg: 2, altM: Number.NaN });
    const back = toGeodetic(flat, toEnu(flat, { latDeg: 1.001, lonDeg: 2, altM: Number.NaN }));
    assertClose(back.latDeg, 1.001, 1e-12);
    assert.ok(Number.isNaN(back.altM));
  });

  it('refuses what is not a position', () => {
    for (const geo of [
      { latDeg: 91, lonDeg: 0, altM: 0 },
      { latDeg: Number.NaN, lonDeg: 0, altM: 0 },
      { latDeg: 0, lonDeg: -181, altM: 0 },
    ]) {
      assert.throws(() => createDatum(geo), /is not a WGS-84 position/);
    }
  });
});

describe('UTM', () => {
  const cases: [number, number, number, 'north' | 'south', number, number][] = [
    [52.2050448, 0.1195771, 31, 'north', 303182.7226777272, 5787755.113966304],
    [40.4406, -79.9959, 17, 'north', 585156.96230588, 4477145.419980212],
    [35.6895, 139.6917, 54, 'north', 381622.23003942776, 3950298.9078813544],
    [-33.8568, 151.2153, 56, 'south', 334900.56965226424, 6252288.752888294],
    [-0.5, -179.999, 1, 'south', 166145.52267964254, 9944658.66273554],
    [83.9, 30, 35, 'north', 535575.6801895748, 9317856.466148265],
    [60, 5, 32, 'north', 276979.92640100635, 6658157.202407252],
  ];
  for (const [lat, lon, zone, hemisphere, easting, northing] of cases) {
    it(`equals PROJ at ${lat}, ${lon} (zone ${zone} ${hemisphere})`, () => {
      const utm = toUtm(lat, lon);
      assert.equal(utm.zone, zone);
      assert.equal(utm.hemisphere, hemisphere);
      assertClose(utm.eastingM, easting, 1e-6);
      assertClose(utm.northingM, northing, 1e-6);
    });
  }

  it('keeps one grid across a zone border when asked', () => {
    const utm = toUtm(52.2, 0.1, 30);
    assertClose(utm.eastingM, 711841.3173071726, 1e-6);
    assertClose(utm.northingM, 5787813.371292354, 1e-6);
  });

  it('comes back to the same point', () => {
    fc.assert(
      fc.property(fc.double({ min: -84, max: 84, noNaN: true }), longitude, (lat, lon) => {
        const back = fromUtm(toUtm(lat, lon));
        const there = { latDeg: lat, lonDeg: lon, altM: 0 };
        assert.ok(separationM({ ...back, altM: 0 }, there) < 1e-6);
      }),
    );
  });

  it('knows the exceptions of Norway and Svalbard, and one zone for the date line', () => {
    assert.deepEqual(
      [
        utmZone(60, 3.1),
        utmZone(60, 2.9),
        utmZone(75, 8.9),
        utmZone(75, 9),
        utmZone(75, 41.9),
        utmZone(0, 180),
        utmZone(0, -180),
      ],
      [32, 31, 31, 33, 37, 1, 1],
    );
  });
});

/** @file Poses and projection: where things of known position appear in the picture. */
import assert from 'node:assert/strict';
import { planarPose } from '../../src/geo/poseAlgebra.ts';
import { createCamera, createView, projectPoint } from '../../src/simulation/Camera.ts';
import { lampLight } from '../../src/simulation/furniture.ts';
import { planTown } from '../../src/simulation/TownPlan.ts';
import { TownRenderer } from '../../src/simulation/TownRenderer.ts';
import { createScene } from '../../src/simulation/TownScene.ts';

// 90 degrees of view: the focal length is half the width
const camera = createCamera(641, 481, Math.PI / 2);

describe('projection', () => {
  const cases = [
    { name: 'straight ahead', yaw: 0, point: [10, 0, 0], pixel: [320, 240] },
    { name: 'as far left as ahead is the left edge', yaw: 0, point: [10, 10, 0], pixel: [-0.5, 240] },
    { name: 'a quarter of the distance to the right', yaw: 0, point: [8, -2, 0], pixel: [320 + 320.5 / 4, 240] },
    { name: 'above is up in the picture', yaw: 0, point: [10, 0, 5], pixel: [320, 240 - 320.5 / 2] },
    { name: 'looking north', yaw: Math.PI / 2, point: [0, 10, 0], pixel: [320, 240] },
    { name: 'looking north, east is on the right', yaw: Math.PI / 2, point: [5, 10, 0], pixel: [320 + 320.5 / 2, 240] },
  ] as const;
  for (const { name, yaw, point, pixel } of cases) {
    it(name, () => {
      const seen = projectPoint(createView(camera, planarPose(0, 0, yaw)), point)!;
      assert.ok(Math.abs(seen.x - pixel[0]) < 1e-9 && Math.abs(seen.y - pixel[1]) < 1e-9, JSON.stringify(seen));
    });
  }

  it('has nothing behind the camera', () => {
    assert.equal(projectPoint(createView(camera, planarPose(0, 0, 0)), [-1, 0, 0]), null);
  });
});

describe('rendered pictures', () => {
  const plan = planTown({ seed: 3, columns: 2, rows: 1 });

  it('show street lamps, at night the brightest things, where projection puts them', () => {
    const view = createCamera(240, 180);
    const scene = createScene(plan, { condition: 'night', seed: 1 }, view);
    const renderer = new TownRenderer(scene, view);
    const lamps = plan.furniture.filter(({ kind }) => kind === 'lamp').slice(0, 12);
    let seen = 0;
    for (const lamp of lamps) {
      // from the middle of the street, 9 m along it, looking at the lamp's foot
      const [c, s] = [Math.cos(lamp.yawRad), Math.sin(lamp.yawRad)];
      const [x, y] = [lamp.x + 4 * c - 9 * s, lamp.y + 4 * s + 9 * c];
      const yaw = Math.atan2(lamp.y - y, lamp.x - x);
      const pose = { ...planarPose(x, y, yaw), z: 1.6 };
      const light = lampLight(lamp);
      const at = projectPoint(createView(view, pose), [light[0], light[1], light[2] - 0.06])!;
      const image = renderer.render(pose, 1);
      const i = (Math.round(at.y) * view.width + Math.round(at.x)) * 3;
      if (image.data[i]! > 225 && image.data[i + 1]! > 200) seen++;
    }
    // a few hide behind the crowns of trees
    assert.ok(seen >= 0.75 * lamps.length, `${seen} of ${lamps.length} lamps seen`);
  });

  it('are the same for the same seed, and differ with the seed of the traverse', () => {
    const view = createCamera(160, 120);
    const pose = { ...planarPose(plan.nodes[6]!.x, plan.nodes[6]!.y, 0.3), z: 1.6 };
    const render = (seed: number): Uint8Array => {
      return new TownRenderer(createScene(plan, { condition: 'rain', seed }, view), view).render(pose, 9).data;
    };
    const first = render(1);
    assert.deepEqual(render(1), first);
    assert.notDeepEqual(render(2), first);
  });
});

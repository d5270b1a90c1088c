/** @file `netvlad replay` with publish_tf: the correction of the odometry that a live node would send. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBagProblem } from '../../src/bags/BagSource.ts';
import { decodeMessage } from '../../src/bags/decodeMessage.ts';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import type { RosMessages } from '../../src/bags/messages.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { encodePng } from '../../src/image/encode.ts';
import { header, odometryMessage } from '../bags/support/rosMessageBuilders.ts';
import { runMain } from '../support/runMain.ts';
import { createPatternImage, writeTinyModel } from '../support/tinyModel.ts';

const IMAGES = 8;
const STEP_M = 3;
/** How far the odometry is ahead of the robot. */
const DRIFT_M = 1;
/** The camera's place on the robot. */
const LEVER_M = 0.5;

describe('netvlad replay with publish_tf', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'netvlad-tf-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function record(path: string): Promise<void> {
    const writer = await createMcapWriter(path);
    const rotation = { x: 0, y: 0, z: 0, w: 1 };
    const mount = { translation: { x: LEVER_M, y: 0, z: 0 }, rotation };
    const start = 1_700_000_000_000_000_000n;
    const frame = { header: header(start, 'base_link'), child_frame_id: 'camera', transform: mount };
    await writer.write('/tf_static', 'tf2_msgs/msg/TFMessage', start, { transforms: [frame] });
    for (let i = 0; i < IMAGES; i++) {
      const stampNs = start + BigInt(i) * 500_000_000n;
      const truth = { position: { x: STEP_M * i, y: 0, z: 0 }, orientation: rotation };
      await writer.write(
        '/odom',
        'nav_msgs/msg/Odometry',
        stampNs,
        odometryMessage(stampNs, STEP_M * i + DRIFT_M, 0, 0),
      );
      const pose = { header: header(stampNs, 'map'), pose: truth };
      await writer.write('/ground_truth', 'geometry_msgs/msg/PoseStamped', stampNs, pose);
      const image = { header: header(stampNs), format: 'png', data: await encodePng(createPatternImage(i)) };
      await writer.write('/camera/compressed', 'sensor_msgs/msg/CompressedImage', stampNs, image);
    }
    await writer.close();
  }

  it('map -> odom takes the drift of the odometry back, post-dated by the tolerance', async () => {
    const [drive, map, out] = ['drive.mcap', 'drive.vprmap', 'out.mcap'].map((name) => join(folder, name));
    await record(drive!);
    const model = ['--model', await writeTinyModel({ folder })];
    const how = ['--position-topic', '/ground_truth', '--base-frame', 'base_link'];
    const built = await runMain(['map', 'build', drive!, '--out', map!, ...how, ...model]);
    assert.equal(built.code, 0, built.stderr);
    const parameters = join(folder, 'localizer.yaml');
    const values = 'publish_tf: true\n    base_frame: base_link\n    transform_tolerance: 0.25';
    writeFileSync(parameters, `/**:\n  ros__parameters:\n    ${values}\n`);
    const run = await runMain(['replay', drive!, '--map', map!, '--out', out!, '--params', parameters, ...model]);
    assert.equal(run.code, 0, run.stderr);

    const bag = await openBag(out!);
    let sent = 0;
    for await (const item of bag.messages(['/tf'])) {
      assert.ok(!isBagProblem(item));
      const [only] = (decodeMessage(item) as RosMessages['tf2_msgs/msg/TFMessage']).transforms;
      assert.deepEqual([only!.header.frame_id, only!.child_frame_id], ['map', 'odom']);
      const { sec, nanosec } = only!.header.stamp;
      assert.equal(BigInt(sec) * 1_000_000_000n + BigInt(nanosec), item.logTimeNs + 250_000_000n);
      assert.ok(Math.abs(only!.transform.translation.x + DRIFT_M) < 0.5, `${only!.transform.translation.x} m`);
      sent++;
    }
    await bag.close();
    assert.ok(sent > IMAGES / 2, `${sent} transforms`);
  });
});

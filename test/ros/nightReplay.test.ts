/** @file A recording replayed is the node live: every frame of a night drive gets the same best place on both ways. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isBagProblem } from '../../src/bags/BagSource.ts';
import { decodeMessage } from '../../src/bags/decodeMessage.ts';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import type { RosMessages } from '../../src/bags/messages.ts';
import { openBag } from '../../src/bags/openBag.ts';
import { findDefaultModel } from '../../src/inference/loadModel.ts';
import { runNetvlad } from '../support/runNetvlad.ts';
import { sharedPath } from '../support/sharedData.ts';
import { NodeProcess } from './support/NodeProcess.ts';
import { headerOf, secondOf, stampNsOf, stampOf } from './support/offline.ts';
import { describeOnGraph } from './support/project.ts';
import { RosPeer } from './support/RosPeer.ts';
import { reliable, warmUp } from './support/whilePublishing.ts';

const TOPIC = '/image/compressed';
/** Of the frames; the rest may differ where two places are equally good but for rounding. */
const AGREEMENT = 0.99;

interface Answer {
  readonly state: number;
  readonly best: string | null;
}

describeOnGraph('a night drive, replayed and live', function () {
  this.timeout(240_000);
  let folder: string;
  let photos: readonly string[];
  const at = (name: string): string => path.join(folder, name);

  before(async function () {
    const data = sharedPath(this, 'data', 'gardens_point');
    folder = await mkdtemp(path.join(tmpdir(), 'night-'));
    photos = (await readdir(path.join(data, 'night_right'))).sort().map((name) => path.join(data, 'night_right', name));
    const day = ['map', 'build', path.join(data, 'index.csv'), '--role', 'database', '--out', at('day.vprmap')];
    const built = await runNetvlad(day);
    assert.equal(built.code, 0, built.stderr);
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  /** By `netvlad replay`, read from the recording that it writes. */
  async function replay(): Promise<readonly Answer[]> {
    const writer = await createMcapWriter(at('night.mcap'));
    for (const [i, photo] of photos.entries()) {
      const message = { header: headerOf(i), format: 'jpeg', data: await readFile(photo) };
      await writer.write(TOPIC, 'sensor_msgs/msg/CompressedImage', stampNsOf(i), message as never);
    }
    await writer.close();
    const args = ['--map', at('day.vprmap'), '--out', at('results.mcap'), '--no-debug-image'];
    const run = await runNetvlad(['replay', at('night.mcap'), ...args]);
    assert.equal(run.code, 0, run.stderr);
    const answers: Answer[] = [];
    const bag = await openBag(at('results.mcap'));
    for await (const item of bag.messages(['/localizer/hypotheses'])) {
      assert.ok(!isBagProblem(item));
      answers.push(toAnswer(decodeMessage(item) as RosMessages['netvlad_localizer/msg/PlaceHypotheses']));
    }
    await bag.close();
    return answers;
  }

  /** By the node, over DDS, each frame after the answer to the one before. */
  async function drive(): Promise<readonly Answer[]> {
    const parameters = { model: findDefaultModel(), map: at('day.vprmap'), image_transport: 'compressed' };
    const node = await NodeProcess.active({ parameters: { ...parameters, ...reliable(TOPIC) } });
    const peer = await RosPeer.start();
    await peer.subscribe('/localizer/hypotheses', 'netvlad_localizer/msg/PlaceHypotheses');
    await peer.advertise(TOPIC, 'sensor_msgs/msg/CompressedImage');
    const format = 'jpeg';
    await warmUp(peer, { topic: TOPIC, message: { format }, file: photos[0]! });
    await peer.call('/localizer/reset', 'std_srvs/srv/Trigger');
    const answers: Answer[] = [];
    for (const [i, photo] of photos.entries()) {
      await peer.publish(TOPIC, { format, header: headerOf(i) }, photo);
      const said = await peer.until('/localizer/hypotheses', (message) => secondOf(message) === stampOf(i).sec);
      answers.push(toAnswer(said as unknown as Parameters<typeof toAnswer>[0]));
      peer.forget('/localizer/hypotheses');
    }
    await peer.stop();
    assert.equal((await node.end()).code, 0);
    return answers;
  }

  it('200 frames: the same best place and state for at least 99 of 100', async () => {
    const replayed = await replay();
    const live = await drive();
    assert.equal(replayed.length, photos.length);
    assert.equal(live.length, photos.length);
    const same = (what: keyof Answer): number => live.filter((answer, i) => answer[what] === replayed[i]![what]).length;
    assert.ok(same('best') >= AGREEMENT * photos.length, `${same('best')} of ${photos.length} best places agree`);
    assert.ok(same('state') >= AGREEMENT * photos.length, `${same('state')} of ${photos.length} states agree`);
    assert.ok(new Set(live.map(({ best }) => best)).size > 20, 'the drive leads past many places');
  });
});

function toAnswer(message: Pick<RosMessages['netvlad_localizer/msg/PlaceHypotheses'], 'state' | 'hypotheses'>): Answer {
  return { state: message.state, best: message.hypotheses[0]?.image ?? null };
}

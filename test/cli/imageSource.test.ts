/** @file Options of an image source: one that means nothing for the source at hand is refused, not left out. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMcapWriter } from '../../src/bags/McapRecordingWriter.ts';
import {
  assertNoSourceOptions,
  assertOptionsFit,
  openSourceFromFlags,
  type ImageSourceFlags,
} from '../../src/cli/imageSource.ts';
import { NetvladError } from '../../src/errors.ts';
import { imageMessage } from '../bags/support/rosMessageBuilders.ts';

describe('options of an image source', () => {
  let folder = '';
  const at = (name: string): string => join(folder, name);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netvlad-source-'));
    await writeFile(at('list.csv'), 'file\na.jpg\n');
    await mkdir(at('photos'));
    const writer = await createMcapWriter(at('drive.mcap'));
    await writer.write('/image', 'sensor_msgs/msg/Image', 1n, imageMessage(1n));
    await writer.close();
  });
  after(() => rm(folder, { recursive: true }));

  const refused: readonly [string, ImageSourceFlags, RegExp][] = [
    ['list.csv', { keyframeDistance: 5 }, /^--keyframe-distance is for a recording, which .*list\.csv is not\.$/],
    [
      'photos',
      { keyframeTurn: 20, imageTopic: '/image' },
      /^--image-topic, --keyframe-turn are for a recording, which/,
    ],
    ['drive.mcap', { imageRoot: 'images' }, /^--image-root is for a dbStruct \.mat, which .*drive\.mcap is not\.$/],
  ];
  for (const [name, flags, message] of refused) {
    it(`refuses ${Object.keys(flags).join(' and ')} for ${name}`, async () => {
      await assert.rejects(openSourceFromFlags(at(name), flags), (error) => {
        assert.ok(error instanceof NetvladError && error.code === 'usage');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('refuses keyframes by distance of a recording that knows no positions, and takes all where nobody asked', async () => {
    await assert.rejects(openSourceFromFlags(at('drive.mcap'), { keyframeDistance: 5 }), {
      code: 'bad-input',
      message: /has no position topic .* as --keyframe-distance must know/,
    });
    const usual = { distanceM: 2, turnRad: 1, intervalS: null };
    assert.equal((await openSourceFromFlags(at('drive.mcap'), {}, usual)).count, 1);
  });

  it('refuses options of a source that is not given', () => {
    assertNoSourceOptions({}, '--queries');
    assert.throws(
      () => {
        assertNoSourceOptions({ role: 'query', keyframeInterval: 1 }, '--queries');
      },
      { code: 'usage', message: '--role, --keyframe-interval are for the images of --queries, which is not given.' },
    );
  });

  it('takes an option that fits one of several sources', () => {
    assertOptionsFit([at('list.csv'), at('drive.mcap')], { keyframeInterval: 1 });
  });
});

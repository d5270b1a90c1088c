/**
 * @file A process to be killed: maps painted places one after the other, as the node's worker does, and says on stdout which
 * place is acknowledged. Usage: mapForever.js MODEL MAP FIRST_SECOND
 */
import { encodeJpeg } from '../../../src/image/encode.ts';
import { openEngine } from '../../../src/recognition/openEngine.ts';
import { paintPlace } from '../../support/paintPlace.ts';

const [model, map, first] = process.argv.slice(2);
const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => encodeJpeg(paintPlace(i + 1), 90)));
const engine = await openEngine({
  ...{ model: model!, map: map!, providers: ['cpu'], threads: 1, index: 'exact', verifyTopK: 20, createMap: true },
});
for (let second = Number(first); ; second++) {
  const stampNs = BigInt(second) * 1_000_000_000n;
  const data = pictures[second % pictures.length]!.slice();
  await engine.recognize({ kind: 'compressed', stampNs, frameId: 'camera', format: 'jpeg', data }, 5);
  const name = `drive@${second}`;
  await engine.addPlace({
    ...{ name, role: null, place: null, geo: null, local: { x: second, y: 0, z: 0 }, yawRad: null, orientation: null },
    ...{ positionSigmaM: null, stampNs, sequence: 'drive', frame: second, condition: null },
  });
  process.stdout.write(`${name}\n`);
  if (second % 25 === 0) await engine.saveMap(); // as ~/save_map does: sealing may be interrupted too
}

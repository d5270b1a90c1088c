/** @file The sky of one traverse as a panorama: gradient, sun glow and drifting clouds. */
import type { Condition } from './conditions.ts';
import { dot, type Vec3 } from './Mesh.ts';
import { fractalNoise } from './noise.ts';

const COLUMNS = 1024;
const ROWS = 192;

export class Sky {
  /** [ROWS, COLUMNS, 3] linear light; row 0 is the horizon, rows are even in the root of the sine of the elevation. */
  readonly #light = new Float32Array(ROWS * COLUMNS * 3);

  constructor(condition: Condition, seed: number) {
    const { sunDirection, sun, clouds, zenith, horizon } = condition;
    const norm = Math.hypot(...sunDirection);
    const toSun: Vec3 = [sunDirection[0] / norm, sunDirection[1] / norm, sunDirection[2] / norm];
    for (let row = 0; row < ROWS; row++) {
      const up = (row / (ROWS - 1)) ** 2;
      const level = Math.sqrt(1 - up * up);
      for (let column = 0; column < COLUMNS; column++) {
        const azimuth = (column / COLUMNS) * 2 * Math.PI;
        const ray: Vec3 = [level * Math.cos(azimuth), level * Math.sin(azimuth), up];
        // clouds lie on a plane overhead; near the horizon they run together into haze
        const scale = 1.6 / (up + 0.12);
        const noise = fractalNoise(ray[0] * scale + 40, ray[1] * scale + 40, { seed, octaves: 5 });
        const cover = Math.min(1, Math.max(0, (noise - 1 + clouds.cover + 0.28) * 3.2)) * Math.min(1, up * 9);
        const blend = up ** 0.45;
        const glow = sun[0] * (0.55 * Math.max(0, dot(ray, toSun)) ** 24 + 0.12 * Math.max(0, dot(ray, toSun)) ** 4);
        const tone = 0.8 + 0.5 * (noise - 0.5);
        const i = (row * COLUMNS + column) * 3;
        for (let c = 0; c < 3; c++) {
          const clear = horizon[c]! + (zenith[c]! - horizon[c]!) * blend + (glow * sun[c]!) / (sun[0] + 1e-6);
          this.#light[i + c] = clear + (clouds.colour[c]! * tone - clear) * cover * 0.9;
        }
      }
    }
  }

  /** Adds the light from a direction (any length, z up) to out[0..2]. */
  sample(x: number, y: number, z: number, out: Float32Array): void {
    const length = Math.sqrt(x * x + y * y + z * z);
    const row = Math.sqrt(Math.max(0, z / length)) * (ROWS - 1);
    const column = (Math.atan2(y, x) / (2 * Math.PI) + 1) * COLUMNS;
    const r0 = Math.floor(row);
    const r1 = Math.min(ROWS - 1, r0 + 1);
    const fr = row - r0;
    const c0 = Math.floor(column);
    const fc = column - c0;
    const i00 = (r0 * COLUMNS + (c0 % COLUMNS)) * 3;
    const i01 = (r0 * COLUMNS + ((c0 + 1) % COLUMNS)) * 3;
    const i10 = (r1 * COLUMNS + (c0 % COLUMNS)) * 3;
    const i11 = (r1 * COLUMNS + ((c0 + 1) % COLUMNS)) * 3;
    const light = this.#light;
    for (let c = 0; c < 3; c++) {
      const low = light[i00 + c]! + (light[i01 + c]! - light[i00 + c]!) * fc;
      const high = light[i10 + c]! + (light[i11 + c]! - light[i10 + c]!) * fc;
      out[c] = low + (high - low) * fr;
    }
  }
}

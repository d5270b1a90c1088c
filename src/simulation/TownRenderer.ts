/** @file Pictures of the town: from a pose to an RGB image. */
import type { Pose } from '../geo/Pose.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { createView, type CameraModel, type View } from './Camera.ts';
import { finishPicture, type Picture } from './finishPicture.ts';
import { PixelShader } from './PixelShader.ts';
import { TextureCache } from './Texture.ts';
import type { TownScene } from './TownScene.ts';
import { SAMPLES, sampleOffset, VisibilityBuffer } from './VisibilityBuffer.ts';

/** 48 million texels are 190 MB with their smaller copies 256 MB: some 300 house fronts. */
const TEXTURE_BUDGET = 48_000_000;
const OFFSETS = Array.from({ length: SAMPLES }, (_unused, quarter) => sampleOffset(quarter));

export class TownRenderer {
  readonly #camera: CameraModel;
  readonly #scene: TownScene;
  readonly #buffer: VisibilityBuffer;
  readonly #shader: PixelShader;
  readonly #picture: Picture;

  constructor(scene: TownScene, camera: CameraModel) {
    const textures = new TextureCache(TEXTURE_BUDGET);
    this.#camera = camera;
    this.#scene = scene;
    this.#buffer = new VisibilityBuffer(camera, textures);
    this.#shader = new PixelShader(scene, textures);
    this.#picture = {
      width: camera.width,
      height: camera.height,
      light: new Float32Array(camera.width * camera.height * 3),
      ground: new Uint8Array(camera.width * camera.height),
    };
  }

  /** `pose` is the camera's, body axes (x forward) in the map frame; `seed` is that of the frame's noise and rain. */
  render(pose: Pose, seed: number): RgbImage {
    const view = createView(this.#camera, pose);
    this.#buffer.draw(view, this.#scene.surfaces, this.#scene.bounds);
    const { width, height } = this.#camera;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) this.#resolve(view, x, y);
    }
    return finishPicture(this.#picture, this.#scene.condition, seed);
  }

  /** One pixel: each surface seen by its samples is shaded once and weighs as many samples as see it. */
  #resolve(view: View, x: number, y: number): void {
    const { width } = this.#camera;
    const { seen } = this.#buffer;
    const { light, ground } = this.#picture;
    const first = y * SAMPLES * width + x;
    const pixel = y * width + x;
    const a = seen[first]!;
    if (seen[first + width] === a && seen[first + 2 * width] === a && seen[first + 3 * width] === a) {
      this.#shadeSlot(view, a, x, y);
      const own = this.#shader.light;
      light[pixel * 3] = own[0]!;
      light[pixel * 3 + 1] = own[1]!;
      light[pixel * 3 + 2] = own[2]!;
      ground[pixel] = this.#isGround(a) ? SAMPLES : 0;
      return;
    }
    light[pixel * 3] = 0;
    light[pixel * 3 + 1] = 0;
    light[pixel * 3 + 2] = 0;
    ground[pixel] = 0;
    for (let quarter = 0; quarter < SAMPLES; quarter++) {
      const slot = seen[first + quarter * width]!;
      let weight = 1;
      let repeated = false;
      for (let other = 0; other < SAMPLES; other++) {
        if (other === quarter || seen[first + other * width] !== slot) continue;
        if (other < quarter) repeated = true;
        weight++;
      }
      if (repeated) continue;
      const offset = OFFSETS[quarter]!;
      this.#shadeSlot(view, slot, x + offset[0], y + offset[1]);
      for (let c = 0; c < 3; c++)
        light[pixel * 3 + c] = light[pixel * 3 + c]! + (this.#shader.light[c]! * weight) / SAMPLES;
      if (this.#isGround(slot)) ground[pixel] = ground[pixel] + weight;
    }
  }

  #isGround(slot: number): boolean {
    return slot > 0 && this.#scene.surfaces[this.#buffer.surfaceOf[slot - 1]!]!.finish.ground;
  }

  #shadeSlot(view: View, slot: number, x: number, y: number): void {
    if (slot === 0) this.#shader.shadeSky(view, x, y);
    else this.#shader.shade(view, this.#buffer, slot - 1, x, y);
  }
}

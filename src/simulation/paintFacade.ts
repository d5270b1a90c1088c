/** @file Paints the fronts and backs of buildings: wall, windows, doors, shops, and which windows are lit. */
import type { Random } from '../math/random.ts';
import { createRandom } from '../math/random.ts';
import { eavesM, type BuildingStyle, type Shop } from './buildingStyle.ts';
import { Canvas, mixColours, shade, type Colour, type Rect } from './Canvas.ts';

/** The evening: which share of the windows is lit, and whether shops are. `seed` belongs to the traverse. */
export interface Lights {
  readonly windows: number;
  readonly shops: number;
  readonly seed: number;
}

export interface FacadeSettings {
  readonly style: BuildingStyle;
  readonly seed: number;
  readonly widthM: number;
  readonly texelsPerM: number;
  readonly lights: Lights;
}

const GLASS: Colour = [52, 62, 72];
const SKY_IN_GLASS: Colour = [136, 156, 172];
const LAMPLIGHT: readonly Colour[] = [
  [255, 214, 140],
  [255, 196, 112],
  [250, 232, 190],
  [214, 224, 250],
];

/** Where the windows are: centres of the bays and bottoms of the floors. Balconies stand where this says too. */
export interface FacadeLayout {
  readonly bays: readonly number[];
  /** Bottom of the window of each upper floor. */
  readonly sills: readonly number[];
  readonly doorX: number;
  readonly heightM: number;
}

export function layOutFacade(style: BuildingStyle, widthM: number, seed: number): FacadeLayout {
  const margin = 0.5;
  const count = Math.max(1, Math.floor((widthM - 2 * margin) / style.bayM));
  const bayM = (widthM - 2 * margin) / count;
  const bays = Array.from({ length: count }, (_unused, i) => margin + bayM * (i + 0.5));
  const lift = style.window === 'french' ? 0.25 : (style.floorM - style.windowHeightM) * 0.45;
  const sills = Array.from({ length: style.floors - 1 }, (_unused, i) => style.groundM + i * style.floorM + lift);
  const doorBay = createRandom(seed).fork('door').int(count);
  return { bays, sills, doorX: bays[doorBay]!, heightM: eavesM(style) };
}

function paintWall(canvas: Canvas, style: BuildingStyle, seed: number): void {
  const all: Rect = { x: 0, y: 0, w: canvas.width / canvas.texelsPerM, h: canvas.height / canvas.texelsPerM };
  canvas.fill(style.wall);
  const dark = shade(style.wall, 0.72);
  if (style.material === 'brick')
    canvas.masonry(all, { widthM: 0.34, heightM: 0.13, jointM: 0.025, jointColour: dark, variation: 0.13, seed });
  if (style.material === 'stone')
    canvas.masonry(all, { widthM: 1.1, heightM: 0.5, jointM: 0.03, jointColour: dark, variation: 0.07, seed });
  if (style.material === 'panel')
    canvas.masonry(all, { widthM: 3, heightM: 1.6, jointM: 0.04, jointColour: dark, variation: 0.03, seed });
  if (style.material === 'boards')
    canvas.masonry(all, { widthM: 60, heightM: 0.24, jointM: 0.035, jointColour: dark, variation: 0.06, seed });
  canvas.mottle(all, 2.6, { amplitude: style.material === 'plaster' ? 0.16 : 0.11, seed });
}

/** Curtains, glazing bars and either lamplight or the reflected sky. */
function paintGlass(canvas: Canvas, area: Rect, look: { random: Random; lit: boolean; frame: Colour }): void {
  const { random, lit, frame } = look;
  if (lit) {
    const light = LAMPLIGHT[random.int(LAMPLIGHT.length)]!;
    canvas.gradient(area, shade(light, 0.62), light);
    canvas.setFourth(area, 130 + random.int(120));
  } else canvas.gradient(area, GLASS, mixColours(GLASS, SKY_IN_GLASS, 0.25 + 0.6 * random.next()));
  const curtain = random.next();
  const cloth: Colour = lit ? [214, 150, 90] : [196, 190, 180];
  if (curtain < 0.3) canvas.rect({ ...area, y: area.y + area.h * 0.62, h: area.h * 0.38 }, cloth, 0.8);
  else if (curtain < 0.6) {
    canvas.rect({ ...area, w: area.w * 0.2 }, cloth, 0.8);
    canvas.rect({ ...area, x: area.x + area.w * 0.8, w: area.w * 0.2 }, cloth, 0.8);
  }
  const bar = 0.06;
  canvas.rect({ x: area.x, y: area.y, w: area.w, h: bar }, frame);
  canvas.rect({ x: area.x, y: area.y + area.h - bar, w: area.w, h: bar }, frame);
  canvas.rect({ x: area.x, y: area.y, w: bar, h: area.h }, frame);
  canvas.rect({ x: area.x + area.w - bar, y: area.y, w: bar, h: area.h }, frame);
}

function paintBars(canvas: Canvas, style: BuildingStyle, area: Rect): void {
  const bar = 0.05;
  const columns = style.window === 'wide' ? 3 : 2;
  for (let i = 1; i < columns; i++)
    canvas.rect({ x: area.x + (area.w * i) / columns - bar / 2, y: area.y, w: bar, h: area.h }, style.frame);
  if (style.window === 'sash' || style.window === 'arched')
    canvas.rect({ x: area.x, y: area.y + area.h * 0.52, w: area.w, h: bar * 1.4 }, style.frame);
  if (style.window === 'casement') canvas.rect({ x: area.x, y: area.y + area.h * 0.7, w: area.w, h: bar }, style.frame);
}

interface WindowLook {
  readonly style: BuildingStyle;
  readonly random: Random;
  readonly lit: boolean;
}

function paintWindow(canvas: Canvas, area: Rect, { style, random, lit }: WindowLook): void {
  const surround = 0.14;
  const outer = { x: area.x - surround, y: area.y - surround, w: area.w + 2 * surround, h: area.h + 2 * surround };
  if (style.window === 'arched') {
    canvas.ellipse({ x: outer.x, y: area.y + area.h - outer.w * 0.32, w: outer.w, h: outer.w * 0.75 }, style.trim);
    canvas.ellipse({ x: area.x, y: area.y + area.h - area.w * 0.3, w: area.w, h: area.w * 0.62 }, GLASS);
  }
  if (style.material !== 'panel') canvas.rect(outer, style.trim);
  paintGlass(canvas, area, { random, lit, frame: style.frame });
  paintBars(canvas, style, area);
  canvas.rect({ x: outer.x - 0.08, y: outer.y - 0.04, w: outer.w + 0.16, h: 0.12 }, shade(style.trim, 0.92)); // sill
  canvas.rect({ x: outer.x, y: outer.y - 0.16, w: outer.w, h: 0.12 }, shade(style.wall, 0.55), 0.6); // its shadow
  canvas.rect({ x: area.x, y: area.y + area.h - 0.12, w: area.w, h: 0.12 }, [20, 20, 24], 0.45); // reveal
  if (style.shutters !== null) {
    const w = area.w * 0.48;
    for (const x of [area.x - w - 0.06, area.x + area.w + 0.06]) {
      canvas.rect({ x, y: area.y - 0.03, w, h: area.h + 0.06 }, style.shutters);
      for (let y = area.y + 0.1; y < area.y + area.h - 0.1; y += 0.2)
        canvas.rect({ x: x + 0.06, y, w: w - 0.12, h: 0.06 }, shade(style.shutters, 0.7));
    }
  }
}

function paintDoor(canvas: Canvas, x: number, look: { style: BuildingStyle; random: Random; lit: boolean }): void {
  const { style, random, lit } = look;
  const w = 1.15;
  const h = Math.min(2.3, style.groundM - 0.7);
  canvas.rect({ x: x - w / 2 - 0.2, y: 0, w: w + 0.4, h: h + 0.75 }, style.trim);
  const light: Rect = { x: x - w / 2, y: h + 0.08, w, h: 0.45 };
  paintGlass(canvas, light, { random, lit, frame: style.frame });
  canvas.rect({ x: x - w / 2, y: 0, w, h }, style.door);
  for (const [dx, dy] of [
    [0.12, 0.25],
    [0.62, 0.25],
    [0.12, 1.25],
    [0.62, 1.25],
  ] as const) {
    canvas.rect({ x: x - w / 2 + dx, y: dy, w: 0.4, h: 0.8 }, shade(style.door, 0.75));
  }
  canvas.rect({ x: x + w / 2 - 0.16, y: 1.05, w: 0.08, h: 0.12 }, [206, 176, 90]);
}

function paintShop(canvas: Canvas, shop: Shop, look: FacadeSettings & { random: Random; doorX: number }): void {
  const { random, style, widthM, lights, doorX } = look;
  const boardH = 0.7;
  const top = style.groundM - 0.35;
  const lit = random.fork('shop hours').next() < lights.shops;
  canvas.rect({ x: 0.25, y: 0, w: widthM - 0.5, h: top }, shade(shop.boardColour, 0.6));
  const board = { x: 0.25, y: top - boardH, w: widthM - 0.5, h: boardH };
  canvas.rect(board, shop.boardColour);
  canvas.text(
    { x: board.x + 0.4, y: board.y + 0.13, w: board.w - 0.8, h: boardH - 0.26 },
    shop.name,
    shop.letterColour,
  );
  if (lit) canvas.setFourth(board, 70);
  const panes = Math.max(2, Math.round((widthM - 0.8) / 2.1));
  const paneW = (widthM - 0.8) / panes;
  for (let i = 0; i < panes; i++) {
    const pane: Rect = { x: 0.4 + i * paneW + 0.08, y: 0.55, w: paneW - 0.16, h: top - boardH - 0.7 };
    if (Math.abs(pane.x + pane.w / 2 - doorX) < paneW / 2) {
      const door = { ...pane, y: 0, h: pane.h + 0.55 };
      paintGlass(canvas, door, { random, lit, frame: shade(shop.boardColour, 0.8) });
      canvas.rect({ x: door.x + door.w * 0.8, y: 1, w: 0.07, h: 0.5 }, [200, 200, 196]);
      continue;
    }
    paintGlass(canvas, pane, { random, lit, frame: shade(shop.boardColour, 0.8) });
    const goods = 2 + random.int(4);
    for (let k = 0; k < goods; k++) {
      const h = 0.25 + random.next() * 0.8;
      const colour: Colour = [60 + random.int(180), 60 + random.int(170), 60 + random.int(160)];
      const x = pane.x + 0.1 + random.next() * Math.max(0.1, pane.w - 0.6);
      canvas.rect({ x, y: pane.y + 0.06, w: 0.25 + random.next() * 0.35, h }, lit ? colour : shade(colour, 0.5));
    }
  }
}

function paintTrim(canvas: Canvas, { style, widthM, seed }: FacadeSettings, layout: FacadeLayout): void {
  canvas.rect({ x: 0, y: 0, w: widthM, h: 0.5 }, shade(style.wall, 0.6), 0.85); // plinth
  if (style.bands) {
    for (let floor = 0; floor < style.floors - 1; floor++) {
      const y = style.groundM + floor * style.floorM - 0.15;
      canvas.rect({ x: 0, y, w: widthM, h: 0.2 }, style.trim);
      canvas.rect({ x: 0, y: y - 0.07, w: widthM, h: 0.07 }, shade(style.wall, 0.5), 0.6);
    }
  }
  if (style.quoins) {
    for (let y = 0.5, k = 0; y < layout.heightM - 0.5; y += 0.45, k++) {
      const w = k % 2 === 0 ? 0.55 : 0.35;
      canvas.rect({ x: 0, y, w, h: 0.4 }, style.trim);
      canvas.rect({ x: widthM - w, y, w, h: 0.4 }, style.trim);
    }
  }
  if (style.cornice) canvas.rect({ x: 0, y: layout.heightM - 0.5, w: widthM, h: 0.5 }, style.trim);
  const random = createRandom(seed).fork('pipe');
  const pipeX = random.next() < 0.5 ? 0.12 : widthM - 0.22;
  canvas.rect({ x: pipeX, y: 0, w: 0.1, h: layout.heightM }, shade(style.wall, 0.45));
}

function paintIvy(canvas: Canvas, widthM: number, random: Random): void {
  const left = random.next() < 0.5;
  for (let i = 0; i < 160; i++) {
    const reach = random.next();
    const x = (left ? reach * reach : 1 - reach * reach) * widthM * 0.6 + (left ? 0 : widthM * 0.4);
    const size = 0.3 + random.next() * 0.5;
    const green: Colour = [40 + random.int(40), 70 + random.int(50), 30 + random.int(26)];
    canvas.ellipse({ x, y: random.next() * (7 - reach * 4), w: size, h: size }, green, 0);
  }
}

/** The street front; the fourth channel is the light it gives off. */
export function paintFacade(settings: FacadeSettings): Canvas {
  const { style, seed, widthM, texelsPerM, lights } = settings;
  const layout = layOutFacade(style, widthM, seed);
  const canvas = new Canvas(widthM, layout.heightM, texelsPerM);
  const random = createRandom(seed).fork('facade');
  const evening = createRandom(lights.seed ^ seed).fork('evening');
  paintWall(canvas, style, seed);
  paintTrim(canvas, settings, layout);
  for (const y of layout.sills) {
    for (const x of layout.bays) {
      const area = { x: x - style.windowWidthM / 2, y, w: style.windowWidthM, h: style.windowHeightM };
      paintWindow(canvas, area, { style, random: random.fork(`${x} ${y}`), lit: evening.next() < lights.windows });
    }
  }
  if (style.shop !== null) {
    paintShop(canvas, style.shop, { ...settings, random: evening.fork('shop'), doorX: layout.doorX });
  } else {
    for (const x of layout.bays) {
      const lit = evening.next() < lights.windows;
      if (x === layout.doorX) paintDoor(canvas, x, { style, random, lit });
      else {
        const area = {
          x: x - style.windowWidthM / 2,
          y: 1,
          w: style.windowWidthM,
          h: Math.min(1.6, style.groundM - 1.5),
        };
        paintWindow(canvas, area, { style, random: random.fork(`ground ${x}`), lit });
      }
    }
  }
  if (style.ivy) paintIvy(canvas, widthM, random);
  return canvas;
}

/** Side and back walls: the same material, few windows, rarely lit. */
export function paintRear(settings: FacadeSettings): Canvas {
  const { style, seed, widthM, texelsPerM, lights } = settings;
  const canvas = new Canvas(widthM, eavesM(style), texelsPerM);
  const random = createRandom(seed).fork('rear');
  const evening = createRandom(lights.seed ^ seed).fork('rear evening');
  paintWall(canvas, { ...style, wall: shade(style.wall, 0.86) }, seed + 1);
  for (let y = 1.2; y + 1.2 < eavesM(style); y += style.floorM) {
    for (let x = 1.2; x + 1.6 < widthM; x += 2.8) {
      if (random.next() < 0.4) continue;
      const look = { style: { ...style, shutters: null }, random, lit: evening.next() < lights.windows * 0.6 };
      paintWindow(canvas, { x, y, w: 0.9, h: 1.2 }, look);
    }
  }
  return canvas;
}

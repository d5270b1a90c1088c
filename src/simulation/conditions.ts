/** @file Times of day and weathers of the town, as tables of light. */
import type { Vec3 } from './Mesh.ts';

export const CONDITIONS = ['day', 'overcast', 'dusk', 'night', 'rain', 'night_rain'] as const;

export type ConditionName = (typeof CONDITIONS)[number];

/** Linear light; 1 is what a white wall gives back under an overcast sky. */
export interface Condition {
  /** Direction to the sun, ENU, any length. */
  readonly sunDirection: Vec3;
  readonly sun: Vec3;
  /** Light from above and from below on surfaces that look up and down. */
  readonly skyLight: Vec3;
  readonly groundLight: Vec3;
  readonly zenith: Vec3;
  readonly horizon: Vec3;
  readonly clouds: { readonly cover: number; readonly colour: Vec3 };
  /** Share of the light lost to haze per metre. */
  readonly hazePerM: number;
  readonly lampsLit: boolean;
  /** Strength of the camera car's own headlights. */
  readonly headlight: number;
  /** Share of the windows lit, of shops lit, and how bright. */
  readonly windowsLit: number;
  readonly shopsLit: number;
  readonly emission: number;
  /** 0 dry .. 1 streaming wet. */
  readonly wet: number;
  readonly raining: boolean;
  readonly exposure: number;
  /** Standard deviation of the sensor's noise, in levels of 255. */
  readonly noise: number;
  /** How many cars and people are about, 1 = by day. */
  readonly busy: number;
}

const DAY: Condition = {
  sunDirection: [0.45, -0.55, 0.72],
  sun: [2.1, 1.9, 1.55],
  skyLight: [0.46, 0.55, 0.72],
  groundLight: [0.3, 0.28, 0.25],
  zenith: [0.2, 0.4, 0.86],
  horizon: [0.72, 0.84, 1],
  clouds: { cover: 0.45, colour: [1.25, 1.25, 1.25] },
  hazePerM: 0.0009,
  lampsLit: false,
  headlight: 0,
  windowsLit: 0.02,
  shopsLit: 0.7,
  emission: 0.35,
  wet: 0,
  raining: false,
  exposure: 1.25,
  noise: 1.2,
  busy: 1,
};

const OVERCAST: Condition = {
  ...DAY,
  sun: [0, 0, 0],
  skyLight: [0.86, 0.9, 0.95],
  groundLight: [0.42, 0.42, 0.42],
  zenith: [0.62, 0.66, 0.72],
  horizon: [0.86, 0.88, 0.9],
  clouds: { cover: 0.9, colour: [0.78, 0.8, 0.83] },
  hazePerM: 0.0026,
  windowsLit: 0.06,
  noise: 1.5,
};

const DUSK: Condition = {
  ...DAY,
  sunDirection: [-0.9, 0.25, 0.13],
  sun: [0.62, 0.28, 0.1],
  skyLight: [0.2, 0.23, 0.38],
  groundLight: [0.13, 0.11, 0.12],
  zenith: [0.1, 0.14, 0.34],
  horizon: [0.85, 0.42, 0.26],
  clouds: { cover: 0.5, colour: [0.55, 0.34, 0.36] },
  hazePerM: 0.0026,
  lampsLit: true,
  headlight: 0.6,
  windowsLit: 0.35,
  shopsLit: 0.9,
  emission: 0.8,
  exposure: 2,
  noise: 2.4,
  busy: 0.9,
};

const NIGHT: Condition = {
  ...DAY,
  sun: [0, 0, 0],
  skyLight: [0.006, 0.007, 0.013],
  groundLight: [0.008, 0.006, 0.005],
  zenith: [0.004, 0.005, 0.014],
  horizon: [0.035, 0.028, 0.03],
  clouds: { cover: 0.4, colour: [0.03, 0.025, 0.026] },
  hazePerM: 0.002,
  lampsLit: true,
  headlight: 3.4,
  windowsLit: 0.3,
  shopsLit: 0.35,
  emission: 1,
  exposure: 1.9,
  noise: 10,
  busy: 0.6,
};

/** The conditions by name. */
export const CONDITION_TABLE: Readonly<Record<ConditionName, Condition>> = {
  day: DAY,
  overcast: OVERCAST,
  dusk: DUSK,
  night: NIGHT,
  rain: {
    ...OVERCAST,
    skyLight: [0.56, 0.6, 0.66],
    groundLight: [0.24, 0.25, 0.26],
    zenith: [0.42, 0.45, 0.5],
    horizon: [0.6, 0.63, 0.66],
    clouds: { cover: 1, colour: [0.46, 0.48, 0.52] },
    hazePerM: 0.0065,
    windowsLit: 0.15,
    shopsLit: 0.9,
    emission: 0.6,
    headlight: 0.3,
    wet: 0.75,
    raining: true,
    noise: 2.2,
    busy: 0.6,
  },
  night_rain: { ...NIGHT, hazePerM: 0.006, wet: 1, raining: true, noise: 11, busy: 0.4 },
};

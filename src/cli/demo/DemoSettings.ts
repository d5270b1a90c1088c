/** @file What the environment says about the demonstration. */
import { resolve } from 'node:path';
import { NetvladError } from '../../errors.ts';

export interface DemoSettings {
  /** A CSV data set; null = the rendered town. */
  readonly data: string | null;
  /** Rows of role query to drive; null = all. */
  readonly condition: string | null;
  /** Frames a second. */
  readonly rate: number;
  /** Metres that count as the same place; null = 25, or by frame number where there are no positions. */
  readonly radiusM: number | null;
  /** Folder for map, drive, log and report. */
  readonly out: string;
}

function readPositive(environment: NodeJS.ProcessEnv, name: string): number | null {
  const text = environment[name] ?? '';
  if (text === '') return null;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new NetvladError('usage', `${name} must be a number above 0, received '${text}'.`);
}

export function readDemoSettings(environment: NodeJS.ProcessEnv): DemoSettings {
  const given = (name: string): string | null => environment[name] || null;
  const data = given('DATA');
  return {
    data: data === null ? null : resolve(data),
    condition: given('CONDITION'),
    rate: readPositive(environment, 'RATE') ?? 4,
    radiusM: readPositive(environment, 'RADIUS'),
    out: resolve(given('OUT') ?? 'out/demo'),
  };
}

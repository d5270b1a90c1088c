/** @file Trajectories in files: TUM (what evo reads) and CSV. */
import { parse } from 'csv-parse/sync';
import { isGeoPosition } from '../../geo/LocalDatum.ts';
import { planarPose } from '../../geo/poseAlgebra.ts';
import { normalizeQuaternion } from '../../geo/quaternion.ts';
import type { Pose } from '../../geo/Pose.ts';
import { formatTimestamp, parseTimestamp } from '../../datasets/timestamps.ts';
import type { PositionSample } from '../../bags/parseMessages.ts';

const UNKNOWN = { frameId: '', bodyFrameId: null, sigmaM: null, covariance: null } as const;

/** `timestamp tx ty tz qx qy qz qw` a line, seconds; `#` starts a comment. Throws an Error that names the line. */
export function parseTum(text: string): readonly PositionSample[] {
  const samples: PositionSample[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const [time, ...fields] = trimmed.split(/\s+/);
    const stampNs = parseTimestamp(time!);
    const [x, y, z, ...q] = fields.map(Number);
    const isRotation = Math.hypot(...q) > 0;
    if (
      stampNs === null ||
      fields.length !== 7 ||
      !fields.every((field) => Number.isFinite(Number(field))) ||
      !isRotation
    ) {
      throw new Error(
        `line ${index + 1}: expected \`timestamp tx ty tz qx qy qz qw\`${isRotation ? '' : ' with a rotation (0 0 0 1 for none)'}, got \`${trimmed}\``,
      );
    }
    const [qx, qy, qz, qw] = normalizeQuaternion([q[0]!, q[1]!, q[2]!, q[3]!]);
    samples.push({ ...UNKNOWN, stampNs, geo: null, pose: { x: x!, y: y!, z: z!, qx, qy, qz, qw } });
  });
  return samples;
}

/** Columns `timestamp` and `x_m,y_m[,alt_m]` or `lat,lon[,alt_m]`, optionally `yaw_deg`. Throws an Error that names the row. */
export function parseTrajectoryCsv(text: string): readonly PositionSample[] {
  const rows = parse(text, { columns: true, skip_empty_lines: true, trim: true, bom: true });
  return (rows as Record<string, string>[]).map((row, index) => {
    const sample = parseRow(row);
    if (sample !== null) return sample;
    throw new Error(
      `row ${index + 2}: expected timestamp and x_m,y_m or lat,lon as numbers, got ${JSON.stringify(row)}`,
    );
  });
}

function parseRow(row: Record<string, string>): PositionSample | null {
  const stampNs = parseTimestamp(row.timestamp ?? '');
  if (stampNs === null) return null;
  const number = (column: string): number => (row[column] ? Number(row[column]) : NaN);
  const yawDeg = number('yaw_deg');
  if (['yaw_deg', 'alt_m'].some((column) => row[column] && !Number.isFinite(number(column)))) return null;
  const geo = { latDeg: number('lat'), lonDeg: number('lon'), altM: number('alt_m') };
  if (isGeoPosition(geo)) return { ...UNKNOWN, stampNs, geo, pose: null };
  const [x, y, z] = [number('x_m'), number('y_m'), number('alt_m')];
  if (!Number.isFinite(x + y)) return null;
  const pose = planarPose(x, y, Number.isNaN(yawDeg) ? 0 : (yawDeg * Math.PI) / 180);
  return { ...UNKNOWN, stampNs, geo: null, pose: { ...pose, z: Number.isNaN(z) ? 0 : z } };
}

/** TUM lines. A pose without heading is written as one without rotation, since the format has no word for it. */
export function formatTum(poses: readonly { readonly stampNs: bigint; readonly pose: Pose }[]): string {
  const lines = poses.map(({ stampNs, pose: { x, y, z, qx, qy, qz, qw } }) => {
    const rotation = Number.isNaN(qw) ? [0, 0, 0, 1] : [qx, qy, qz, qw];
    return [formatTimestamp(stampNs), ...[x, y, z, ...rotation].map((value) => value.toFixed(9))].join(' ');
  });
  return `# timestamp tx ty tz qx qy qz qw\n${lines.map((line) => `${line}\n`).join('')}`;
}

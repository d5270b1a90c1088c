/** @file The text of a type as a recording carries it: complete, and in the order of the definition. */
import assert from 'node:assert/strict';
import { parse } from '@foxglove/rosmsg';
import { findRos1Definition, findRos2Definition } from '../../src/bags/messageDefinitions.ts';

/** Names of the constants right before each field that has some: what viewers show for the values of the field. */
function namesByField(text: string): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  let waiting: string[] = [];
  for (const line of text.split('\n=')[0]!.split('\n')) {
    const [, constant] = /^\S+ ([A-Z][A-Z_0-9]*) = \S+$/.exec(line) ?? [];
    const [, field] = /^\S+ ([a-z]\w*)/.exec(line) ?? [];
    if (constant !== undefined) waiting.push(constant);
    if (field === undefined) continue;
    if (waiting.length > 0) found[field] = waiting;
    waiting = [];
  }
  return found;
}

describe('message definitions', () => {
  for (const [type, expected] of [
    ['netvlad_localizer/msg/PlaceHypotheses', { state: ['LOST', 'UNCERTAIN', 'LOCATED', 'OFF_MAP'] }],
    [
      'sensor_msgs/msg/NavSatStatus',
      {
        status: ['STATUS_UNKNOWN', 'STATUS_NO_FIX', 'STATUS_FIX', 'STATUS_SBAS_FIX', 'STATUS_GBAS_FIX'],
        service: ['SERVICE_UNKNOWN', 'SERVICE_GPS', 'SERVICE_GLONASS', 'SERVICE_COMPASS', 'SERVICE_GALILEO'],
      },
    ],
    ['diagnostic_msgs/msg/DiagnosticStatus', { level: ['OK', 'WARN', 'ERROR', 'STALE'] }],
    ['geometry_msgs/msg/Pose', {}],
  ] as const) {
    it(`${type}: constants stand before the field whose values they name`, () => {
      assert.deepEqual(namesByField(findRos2Definition(type)!.text), expected);
    });
  }

  it('the text, parsed, has the fields of the definitions, type by type in their order', () => {
    for (const [find, ros2, types] of [
      [findRos2Definition, true, ['netvlad_localizer/msg/PlaceHypotheses', 'diagnostic_msgs/msg/DiagnosticArray']],
      [findRos1Definition, false, ['sensor_msgs/msg/NavSatFix', 'nav_msgs/msg/Odometry']],
    ] as const) {
      for (const type of types) {
        const { definitions, text } = find(type)!;
        const read = parse(text, { ros2 });
        // The parser has a name of its own for times.
        const fieldsOf = ({ definitions: fields }: (typeof read)[number]): readonly string[] =>
          fields.map((field) => `${field.type.replace('builtin_interfaces/Time', 'time')} ${field.name}`);
        assert.deepEqual(read.map(fieldsOf), definitions.map(fieldsOf), type);
      }
    }
  });
});

/** @file Definitions of ROS messages by type name: the common ones from a library, our own from the package's msg/ folder. */
import { readFileSync } from 'node:fs';
import { parse, stringify } from '@foxglove/rosmsg';
import type { MessageDefinition, MessageDefinitionField } from '@foxglove/message-definition';
import common from '@foxglove/rosmsg-msgs-common';

/** A type with all that it is made of; the first definition is the type itself. */
export interface BundledDefinition {
  /** `sensor_msgs/msg/Image`. */
  readonly type: string;
  readonly definitions: MessageDefinition[];
  /** Text in the `ros2msg` form: the type, then every type it needs behind a `MSG:` line. */
  readonly text: string;
}

const OWN_PACKAGE = 'netvlad_localizer';
const OWN_MESSAGES = new URL('../../../msg/', import.meta.url);

const ros2 = common.ros2jazzy as Readonly<Record<string, MessageDefinition>>;
const ros1 = common.ros1 as Readonly<Record<string, MessageDefinition>>;

/** `sensor_msgs/Image`, `sensor_msgs/msg/Image` -> `sensor_msgs/msg/Image`: one name in all our code. */
export function normalizeTypeName(type: string): string {
  const parts = type.split('/');
  return parts.length === 2 ? `${parts[0]!}/msg/${parts[1]!}` : type;
}

/** The form inside definitions: without `msg`. */
function shortName(type: string): string {
  return type.replace('/msg/', '/');
}

function readOwnDefinition(name: string): MessageDefinition | undefined {
  if (!/^[A-Za-z0-9]+$/.test(name)) return undefined;
  let text: string;
  try {
    text = readFileSync(new URL(`${name}.msg`, OWN_MESSAGES), 'utf8');
  } catch {
    return undefined;
  }
  const [root] = parse(text, { ros2: true, skipTypeFixup: true });
  return { name: `${OWN_PACKAGE}/${name}`, definitions: (root?.definitions ?? []).map(qualify) };
}

/** A neighbour's name without its package, as .msg files allow. */
function qualify(field: MessageDefinitionField): MessageDefinitionField {
  if (field.isComplex !== true || field.type.includes('/')) return field;
  return { ...field, type: `${OWN_PACKAGE}/${field.type}` };
}

/** The library knows times as a primitive; in the text of a ROS 2 schema they are messages like any other. */
function spellTime(field: MessageDefinitionField): MessageDefinitionField {
  if (field.type === 'time') return { ...field, type: 'builtin_interfaces/Time', isComplex: true };
  if (field.type === 'duration') return { ...field, type: 'builtin_interfaces/Duration', isComplex: true };
  return field;
}

function findRos2(type: string): MessageDefinition | undefined {
  const own = `${OWN_PACKAGE}/`;
  const found = type.startsWith(own) ? readOwnDefinition(type.slice(own.length)) : ros2[type];
  return found && { ...found, definitions: found.definitions.map(spellTime) };
}

function collect(
  type: string,
  find: (type: string) => MessageDefinition | undefined,
  into: Map<string, MessageDefinition>,
): boolean {
  if (into.has(type)) return true;
  const definition = find(type);
  if (definition === undefined) return false;
  into.set(type, definition);
  return definition.definitions.every((field) => field.isComplex !== true || collect(field.type, find, into));
}

/** The type, then each of those it needs behind a line with its name. */
function formatDefinitions([root, ...needed]: readonly MessageDefinition[]): string {
  const parts = needed.map((definition) => `${'='.repeat(80)}\nMSG: ${definition.name}\n${formatFields(definition)}`);
  return [formatFields(root!), ...parts].join('\n');
}

/**
 * In the order of the definition: a viewer takes the constants right before a field for the names of its values. `stringify` puts
 * all constants of what it is given first, so it is given each group of them with the fields that follow.
 */
function formatFields({ definitions: fields }: MessageDefinition): string {
  const groups: MessageDefinitionField[][] = [];
  for (const field of fields) {
    const before = groups.at(-1)?.at(-1);
    if (before === undefined || (field.isConstant === true && before.isConstant !== true)) groups.push([]);
    groups.at(-1)!.push(field);
  }
  return groups.map((definitions) => stringify([{ definitions }])).join('\n');
}

function bundle(type: string, find: (type: string) => MessageDefinition | undefined): BundledDefinition | null {
  const found = new Map<string, MessageDefinition>();
  if (!collect(shortName(type), find, found)) return null;
  const definitions = [...found.values()];
  return { type: normalizeTypeName(type), definitions, text: formatDefinitions(definitions) };
}

/** The ROS 2 (Jazzy) definition of a type, or null when neither the library nor this package has it. */
export function findRos2Definition(type: string): BundledDefinition | null {
  return bundle(type, findRos2);
}

/** The ROS 1 definition of a type, or null. */
export function findRos1Definition(type: string): BundledDefinition | null {
  return bundle(type, (name) => ros1[name]);
}

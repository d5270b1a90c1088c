/** @file Which parameter values the command line and its YAML files give to a node, matched as rclcpp matches them. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { describeError, NetvladError } from '../errors.ts';
import type { ParameterRule } from './rosArguments.ts';

/** A YAML value as it stands: integers are bigint, so that 1 and 1.0 differ. */
export type OverrideValue = unknown;

/** YAML 1.1, as libyaml in rcl reads it: `yes` and `on` are booleans, tags (launch_ros writes python/tuple) are ignored. */
function parseYaml(text: string): unknown {
  return parse(text, { version: '1.1', intAsBigInt: true, logLevel: 'error' });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Whether a node key of a parameter file means this node: `*` is one token of the name, `**` any number of tokens; a name
 * without a leading slash is meant from the root (rclcpp parameter_map.cpp).
 */
export function matchesNode(pattern: string, fullyQualifiedName: string): boolean {
  const rooted = pattern.startsWith('/') ? pattern : `/${pattern}`;
  const expression = rooted
    .split('/')
    .slice(1)
    .map((token) =>
      token === '**' ? '(/[^/]+)*' : `/${token.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}`,
    )
    .join('');
  return new RegExp(`^${expression}$`).test(fullyQualifiedName);
}

/** Nested mappings become dotted names. */
function flatten(parameters: Record<string, unknown>, prefix: string, into: Map<string, OverrideValue>): void {
  for (const [key, value] of Object.entries(parameters)) {
    if (isMapping(value)) flatten(value, `${prefix}${key}.`, into);
    else into.set(`${prefix}${key}`, value);
  }
}

/** Walks namespaces down to `ros__parameters`. */
function collect(
  section: Record<string, unknown>,
  at: { readonly path: string; readonly node: string },
  into: Map<string, OverrideValue>,
): void {
  for (const [key, value] of Object.entries(section)) {
    if (!isMapping(value)) continue;
    const path = at.path === '' ? key : `${at.path}/${key}`;
    if (key !== 'ros__parameters') collect(value, { path, node: at.node }, into);
    else if (matchesNode(at.path, at.node)) flatten(value, '', into);
  }
}

/** The values that one file's text has for a node. Other nodes' sections are not looked into. */
export function parseParameterFile(text: string, fullyQualifiedName: string): Map<string, OverrideValue> {
  const overrides = new Map<string, OverrideValue>();
  const document = parseYaml(text);
  if (isMapping(document)) collect(document, { path: '', node: fullyQualifiedName }, overrides);
  return overrides;
}

async function readParameterFile(path: string, fullyQualifiedName: string): Promise<Map<string, OverrideValue>> {
  try {
    return parseParameterFile(await readFile(path, 'utf8'), fullyQualifiedName);
  } catch (cause) {
    throw new NetvladError('bad-input', `Parameter file ${path} cannot be read: ${describeError(cause)}.`, { cause });
  }
}

/** Values by parameter name; a later rule wins over an earlier one, as does a later section of a file. */
export async function readParameterOverrides(
  rules: readonly ParameterRule[],
  fullyQualifiedName: string,
): Promise<ReadonlyMap<string, OverrideValue>> {
  const overrides = new Map<string, OverrideValue>();
  for (const rule of rules) {
    if (rule.kind === 'file') {
      for (const [name, value] of await readParameterFile(rule.path, fullyQualifiedName)) overrides.set(name, value);
    } else if (matchesNode(rule.node, fullyQualifiedName)) {
      overrides.set(rule.name, parseYaml(rule.value));
    }
  }
  return overrides;
}

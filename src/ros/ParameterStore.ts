/** @file The values of declared parameters: checked against their definitions, told to who listens. Knows nothing of ROS. */
import type { OverrideValue } from './parameterOverrides.ts';
import type { ParameterDefinition, ParameterValue } from './ParameterDefinition.ts';
import type { ParameterName, ParameterValues, ValueOf } from './parameters.ts';

export type Checked = { readonly value: ParameterValue } | { readonly problem: string };

function describe(value: unknown): string {
  if (typeof value === 'string') return `the string '${value}'`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean'
    ? `${value}`
    : value === null
      ? 'nothing'
      : 'a mapping';
}

function checkNumber(definition: Extract<ParameterDefinition, { range: unknown }>, given: unknown): Checked {
  const [least, most] = definition.range;
  const unit = definition.unit === undefined ? '' : ` ${definition.unit}`;
  const value = typeof given === 'bigint' ? Number(given) : given;
  const whole = definition.type === 'integer';
  if (typeof value !== 'number' || (whole && !Number.isInteger(value))) {
    return {
      problem: `expected ${whole ? 'an integer' : 'a number'} from ${least} to ${most}${unit}, got ${describe(given)}`,
    };
  }
  if (value >= least && value <= most) return { value }; // false for NaN
  return { problem: `expected ${least} to ${most}${unit}, got ${value}` };
}

function checkString(choices: readonly string[] | undefined, given: unknown): string | null {
  if (typeof given !== 'string') return `expected a string, got ${describe(given)}`;
  if (choices === undefined || choices.includes(given)) return null;
  return `expected ${choices.join(' or ')}, got '${given}'`;
}

/** Integers are taken where a double is meant; nothing else is converted. */
export function checkParameter(definition: ParameterDefinition, given: unknown): Checked {
  switch (definition.type) {
    case 'bool':
      return typeof given === 'boolean'
        ? { value: given }
        : { problem: `expected true or false, got ${describe(given)}` };
    case 'integer':
    case 'double':
      return checkNumber(definition, given);
    case 'string': {
      const problem = checkString(definition.choices, given);
      return problem === null ? { value: given as string } : { problem };
    }
    case 'string_array': {
      if (!Array.isArray(given)) return { problem: `expected an array of strings, got ${describe(given)}` };
      if (given.length === 0) return { problem: 'expected at least one string, got an empty array' };
      const problem = given.map((item) => checkString(definition.choices, item)).find((item) => item !== null);
      return problem === undefined ? { value: given as string[] } : { problem };
    }
  }
}

/** Edits (insert, delete, replace) from one name to another. */
function computeEditDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known name that a misspelled one is nearest to. */
export function findNearestName(name: string, known: readonly string[]): string {
  return known.reduce((best, other) =>
    computeEditDistance(name, other) < computeEditDistance(name, best) ? other : best,
  );
}

export type ChangeListener = (name: string, value: ParameterValue) => void;

export class ParameterStore {
  readonly #definitions = new Map<string, ParameterDefinition>();
  readonly #values = new Map<string, ParameterValue>();
  readonly #overrides: ReadonlyMap<string, OverrideValue>;
  readonly #listeners: ChangeListener[] = [];

  constructor(overrides: ReadonlyMap<string, OverrideValue>) {
    this.#overrides = overrides;
  }

  /** Returns the problems of overrides that do not fit; their parameters keep the default. */
  declare(definitions: Readonly<Record<string, ParameterDefinition>>): readonly string[] {
    const problems: string[] = [];
    for (const [name, definition] of Object.entries(definitions)) {
      this.#definitions.set(name, definition);
      this.#values.set(name, definition.default);
      const override = this.#overrides.get(name);
      if (override === undefined) continue;
      const checked = checkParameter(definition, override);
      if ('value' in checked) this.#values.set(name, checked.value);
      else problems.push(`Parameter ${name}: ${checked.problem}; the default (${String(definition.default)}) stays.`);
    }
    return problems;
  }

  /** A sentence for each override whose name was not declared. */
  checkUnknown(): readonly string[] {
    const known = this.names;
    return [...this.#overrides.keys()]
      .filter((name) => !this.#definitions.has(name) && !name.startsWith('qos_overrides.'))
      .map((name) => `Parameter ${name} is unknown and ignored. Did you mean ${findNearestName(name, known)}?`);
  }

  get names(): readonly string[] {
    return [...this.#definitions.keys()].sort();
  }

  definition(name: string): ParameterDefinition | undefined {
    return this.#definitions.get(name);
  }

  value(name: string): ParameterValue | undefined {
    return this.#values.get(name);
  }

  get<N extends ParameterName>(name: N): ValueOf<N> {
    return this.#values.get(name) as ValueOf<N>;
  }

  /** A snapshot of all. */
  get values(): ParameterValues {
    return Object.fromEntries(this.#values) as unknown as ParameterValues;
  }

  /** Why a value cannot be set while the node runs; null when it can. */
  checkChange(name: string, given: unknown): string | null {
    const definition = this.#definitions.get(name);
    if (definition === undefined) {
      return `${name} is not a parameter of this node. Did you mean ${findNearestName(name, this.names)}?`;
    }
    if (definition.change === 'startup') return `${name} is read-only: it can only be set when the node is started.`;
    const checked = checkParameter(definition, given);
    return 'problem' in checked ? `${name}: ${checked.problem}.` : null;
  }

  /** All or none. Returns why not, or null when the values are set and the listeners told. */
  set(changes: ReadonlyMap<string, unknown>): string | null {
    for (const [name, given] of changes) {
      const problem = this.checkChange(name, given);
      if (problem !== null) return problem;
    }
    for (const [name, given] of changes) {
      const checked = checkParameter(this.#definitions.get(name)!, given);
      if ('problem' in checked) continue;
      this.#values.set(name, checked.value);
      for (const listener of this.#listeners) listener(name, checked.value);
    }
    return null;
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }
}

/** @file The parameters of a node without the node: the same YAML, read and checked the same way. */
import { NetvladError } from '../../errors.ts';
import { readParameterOverrides } from '../../ros/parameterOverrides.ts';
import { PARAMETERS, type ParameterValues } from '../../ros/parameters.ts';
import { findNearestName, ParameterStore } from '../../ros/ParameterStore.ts';

const NODE_NAME = '/localizer';

/** Defaults without a file. Where the node would warn and go on, a judgement stops: throws `bad-input`. */
export async function readNodeParameters(path: string | undefined): Promise<ParameterValues> {
  const overrides = await readParameterOverrides(path === undefined ? [] : [{ kind: 'file', path }], NODE_NAME);
  if (path !== undefined && overrides.size === 0) {
    throw new NetvladError('bad-input', `Parameter file ${path} sets nothing for the node ${NODE_NAME}.`, {
      hint: 'Expected a section localizer: or /**: with ros__parameters:, as in config/localizer.yaml.',
    });
  }
  const store = new ParameterStore(overrides);
  const problems = [...store.declare(PARAMETERS), ...findUnknown([...overrides.keys()])];
  if (problems.length > 0) {
    throw new NetvladError('bad-input', `Parameter file ${path ?? ''}: ${problems.join(' ')}`, {
      hint: 'docs/parameters.md lists the parameters of the node.',
    });
  }
  return store.values;
}

function findUnknown(names: readonly string[]): string[] {
  const known = Object.keys(PARAMETERS);
  return names
    .filter((name) => !known.includes(name) && !name.startsWith('qos_overrides.'))
    .map((name) => `There is no parameter ${name}; is ${findNearestName(name, known)} meant?`);
}

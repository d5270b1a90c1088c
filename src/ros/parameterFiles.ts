/** @file The parameter table as `config/localizer.yaml` and `docs/parameters.md`. Pure text; scripts/generate-parameters.js writes it. */
import { stringify } from 'yaml';
import { PARAMETER_GROUPS, type ParameterDefinition, type ParameterGroup } from './ParameterDefinition.ts';
import { PARAMETERS } from './parameters.ts';

const WIDTH = 110;

const CHANGES = {
  dynamic: 'at once',
  structural: 'at the next configure',
  startup: 'in a new process',
} as const;

function entriesOf(group: ParameterGroup): readonly (readonly [string, ParameterDefinition])[] {
  return (Object.entries(PARAMETERS) as [string, ParameterDefinition][]).filter(([, of]) => of.group === group);
}

/** ROS takes 1 for an integer and 1.0 for a double. */
function toYamlValue(definition: ParameterDefinition): string {
  if (definition.type === 'double' && Number.isInteger(definition.default)) return definition.default.toFixed(1);
  if (definition.type === 'string_array') return `[${definition.default.join(', ')}]`;
  return stringify(definition.default, { defaultStringType: 'QUOTE_SINGLE' }).trim();
}

/** `0 .. 1000 Hz`, `raw or compressed`; empty where anything goes. */
function toRange(definition: ParameterDefinition): string {
  if ('range' in definition) {
    const unit = definition.unit === undefined ? '' : ` ${definition.unit}`;
    return `${definition.range[0]} .. ${definition.range[1]}${unit}`;
  }
  const choices = 'choices' in definition ? definition.choices : undefined;
  return choices?.join(', ') ?? '';
}

function wrap(text: string, prefix: string): string {
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = prefix;
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

function toYamlEntry([name, definition]: readonly [string, ParameterDefinition]): string {
  const range = toRange(definition);
  const kind = 'range' in definition ? 'Range' : 'One of';
  const facts = [range === '' ? '' : `${kind}: ${range}.`, `Changes take effect ${CHANGES[definition.change]}.`];
  const comment = wrap([definition.doc, ...facts].filter((text) => text !== '').join(' '), '    #');
  return `${comment}\n    ${name}: ${toYamlValue(definition)}`;
}

/** Every parameter at its default, explained: the file to copy and cut down. */
export function renderParameterYaml(): string {
  const groups = Object.entries(PARAMETER_GROUPS).map(([group, title]) => {
    const entries = entriesOf(group as ParameterGroup).map(toYamlEntry);
    return `    # ---- ${title} ----\n${entries.join('\n\n')}`;
  });
  return `# Every parameter of the localizer at its default. Copy it, keep what you change, and pass it:
#   ros2 launch netvlad_localizer localizer.launch.py params_file:=mine.yaml
# Keys may be /**, the node's full name, or patterns such as /robot/*/localizer; later ones win.
# Made from src/ros/parameters.ts by \`npm run parameters\`.
/**:
  ros__parameters:
${groups.join('\n\n')}
`;
}

function toRow([name, definition]: readonly [string, ParameterDefinition]): string {
  const cells = [
    `\`${name}\``,
    definition.type.replace('_', ' '),
    `\`${toYamlValue(definition)}\``,
    toRange(definition),
    CHANGES[definition.change],
    definition.doc,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('*.', '\\*.')).join(' | ')} |`;
}

export function renderParameterPage(): string {
  const groups = Object.entries(PARAMETER_GROUPS).map(([group, title]) => {
    const rows = entriesOf(group as ParameterGroup).map(toRow);
    const head =
      '| name | type | default | range | takes effect | what it does |\n| --- | --- | --- | --- | --- | --- |';
    return `## ${title}\n\n${head}\n${rows.join('\n')}`;
  });
  return `# Parameters of the node

Made from \`src/ros/parameters.ts\` by \`npm run parameters\`; \`ros2 param describe\` tells the same. Integers are taken where a double is
meant; a value that does not fit is refused with the reason, or, at the start, replaced by the default with a warning.
\`at once\`: \`ros2 param set\` is enough. \`at the next configure\`: deactivate, cleanup, configure, activate. \`in a new process\`: read-only
while it runs.

Beside these, every input has \`qos_overrides.<topic>.subscription.{reliability,durability,depth}\` with the topic's full name, as other
ROS 2 nodes have.

${groups.join('\n\n')}
`;
}

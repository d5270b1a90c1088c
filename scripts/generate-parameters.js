/** @file Writes config/localizer.yaml and docs/parameters.md from the parameter table: `npm run build && npm run parameters`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderParameterPage, renderParameterYaml } from '../dist/src/ros/parameterFiles.js';

const project = join(import.meta.dirname, '..');
writeFileSync(join(project, 'config', 'localizer.yaml'), renderParameterYaml());
writeFileSync(join(project, 'docs', 'parameters.md'), renderParameterPage());

/** @file One version: what our files carry, what npm reads and what ROS reads. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { TOOL_VERSION } from '../src/version.ts';

describe('version', () => {
  const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const lockFile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { version: string };
  const packageXml = readFileSync('package.xml', 'utf8');

  it('is the same in src/version.ts, package.json, package-lock.json and package.xml', () => {
    const ofXml = /<version>([^<]*)<\/version>/.exec(packageXml)?.[1];
    assert.deepEqual([packageJson.version, lockFile.version, ofXml], [TOOL_VERSION, TOOL_VERSION, TOOL_VERSION]);
  });

  it('has a section in CHANGELOG.md', () => {
    assert.match(
      readFileSync('CHANGELOG.md', 'utf8'),
      new RegExp(`^## ${TOOL_VERSION.replaceAll('.', '\\.')}\\b`, 'm'),
    );
  });
});

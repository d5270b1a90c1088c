/**
 * @file `make test`: units and whole flows in one mocha process, then every file of test/ros in a process and a ROS
 * domain of its own, so that no test hears another one. The last line is `N passed, N failed[, N skipped]`.
 *
 *   node scripts/testing/run.js                            everything
 *   node scripts/testing/run.js dist/test/geo ...          the files and folders named
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const ROS_TESTS = join('dist', 'test', 'ros');
const REPORTER = join(import.meta.dirname, 'tally-reporter.cjs');
/** Property tests draw the same cases every time; FAST_CHECK_SEED draws others. */
const SEED = join(ROOT, 'dist', 'test', 'support', 'fastCheckSeed.js');
/** Domains above 101 collide with the ports that Linux hands out to programs. */
const DOMAINS = 101;

function testFilesIn(path) {
  if (statSync(path).isFile()) return [normalize(path)];
  const names = readdirSync(path, { recursive: true }).filter((name) => name.endsWith('.test.js'));
  return names.map((name) => join(path, name)).sort();
}

/** Runs mocha over `files`; a process that dies before its end counts as one failure more. */
function runMocha(files, environment) {
  const folder = mkdtempSync(join(tmpdir(), 'tally-'));
  const tallyFile = join(folder, 'tally.json');
  const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const args = [
    '--no-config',
    '--require',
    SEED,
    '--enable-source-maps',
    '--timeout',
    '60000',
    '--reporter',
    REPORTER,
    ...files,
  ];
  const { status, signal } = spawnSync(process.execPath, [mocha, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...environment, TALLY_FILE: tallyFile },
  });
  try {
    const tally = JSON.parse(readFileSync(tallyFile, 'utf8'));
    if (status === 0 || tally.failed > 0) return tally;
    console.log(`mocha ended with ${signal ?? `exit code ${status}`} although its tests passed`);
    return { ...tally, failed: 1 };
  } catch {
    console.log(`mocha ended with ${signal ?? `exit code ${status}`} before its tests did`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runAll(files) {
  const onGraph = files.filter((file) => dirname(file) === ROS_TESTS);
  const alone = files.filter((file) => dirname(file) !== ROS_TESTS);
  const tallies = [];
  if (alone.length > 0) {
    console.log(`== ${alone.length} files of units and flows`);
    tallies.push(runMocha(alone, {}));
  }
  const firstDomain = process.pid; // another run at the same time gets other domains
  for (const [index, file] of onGraph.entries()) {
    const domain = String(1 + ((firstDomain + index) % DOMAINS));
    console.log(`== ${relative(join('dist', 'test'), file)} (ROS_DOMAIN_ID ${domain})`);
    tallies.push(runMocha([file], { ROS_DOMAIN_ID: domain }));
  }
  return tallies;
}

process.chdir(ROOT);
const named = process.argv.slice(2);
const tallies = runAll((named.length > 0 ? named : [join('dist', 'test')]).flatMap(testFilesIn));
const sum = (key) => tallies.reduce((total, tally) => total + tally[key], 0);
const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

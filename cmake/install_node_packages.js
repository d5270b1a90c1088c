/**
 * @file Copies the production packages of node_modules into an install prefix and generates the JavaScript message
 * classes there. Usage: node install_node_packages.js SOURCE PREFIX (called by cmake/install_node.cmake).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const [source, prefix] = process.argv.slice(2);
const share = join(prefix, 'share', 'netvlad_localizer');
const modules = join(share, 'node_modules');

/** Paths of the packages that are no development dependencies, from the lock file. */
function productionPackages() {
  const { packages } = JSON.parse(readFileSync(join(source, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, facts]) => path !== '' && facts.dev !== true && existsSync(join(source, path)))
    .map(([path]) => path);
}

/** Leaves out nested packages (entries of their own) and ONNX Runtime's binaries for other machines. */
function belongs(packagePath, file) {
  const inside = relative(packagePath, file).split(sep);
  if (inside[0] === 'node_modules') return false;
  if (!packagePath.endsWith('onnxruntime-node') || inside[0] !== 'bin') return true;
  const [platform, arch] = inside.slice(2);
  return (platform ?? process.platform) === process.platform && (arch ?? process.arch) === process.arch;
}

rmSync(modules, { recursive: true, force: true });
for (const path of productionPackages()) {
  const from = join(source, path);
  cpSync(from, join(share, path), { recursive: true, verbatimSymlinks: true, filter: (file) => belongs(from, file) });
}

const ament = [prefix, process.env.AMENT_PREFIX_PATH].filter(Boolean).join(':');
const generate =
  "require('./rosidl_gen/index.cjs').generateAll(true).catch((e) => { console.error(e); process.exit(1); })";
execFileSync(process.execPath, ['-e', generate], {
  cwd: join(modules, 'rclnodejs'),
  env: { ...process.env, AMENT_PREFIX_PATH: ament },
  stdio: ['ignore', 'ignore', 'inherit'],
});

/** @file Lint rules; the room rules of docs/architecture.md live here: who may know whom, which library lives in which room. */
import eslint from '@eslint/js';
import nodePlugin from 'eslint-plugin-n';
import tseslint from 'typescript-eslint';

/** Room -> the rooms it may import from (files directly under src/ are the ground floor: everybody may). */
const ROOMS = {
  math: [],
  geo: ['math'],
  netvlad: ['math'],
  onnx: ['math', 'netvlad'],
  verification: ['math'],
  localization: ['math', 'geo'],
  image: ['math'],
  inference: ['math', 'netvlad', 'onnx', 'verification', 'image'],
  retrieval: ['math'],
  datasets: ['math', 'geo', 'image'],
  bags: ['math', 'geo', 'image', 'datasets'],
  map: ['math', 'geo', 'image', 'inference', 'retrieval', 'verification', 'localization', 'datasets'],
  recognition: ['math', 'geo', 'image', 'inference', 'retrieval', 'verification', 'localization', 'map', 'datasets'],
  simulation: ['math', 'geo', 'image', 'datasets', 'bags'],
  training: ['math', 'geo', 'netvlad', 'onnx', 'image', 'inference', 'retrieval', 'datasets', 'map', 'evaluation'],
  evaluation: [
    ...['math', 'geo', 'image', 'inference', 'retrieval', 'verification', 'localization', 'datasets', 'bags', 'map'],
    'recognition',
  ],
  ros: [
    'math',
    'geo',
    'image',
    'bags',
    'inference',
    'retrieval',
    'verification',
    'localization',
    'map',
    'recognition',
    'evaluation',
    'bags', // the messages and their CDR
  ],
  cli: null, // the command line is a composition root: it may know every room
};

/** Rooms that know nothing of files, threads, clocks, ROS or native addons. */
const PURE_ROOMS = ['math', 'geo', 'netvlad', 'onnx', 'verification', 'localization'];

/** Library -> the only files that may import it. */
const LIBRARY_HOMES = {
  sharp: ['src/image/**'],
  'onnxruntime-node': ['src/inference/**'],
  'hnswlib-node': ['src/retrieval/**'],
  'better-sqlite3': ['src/map/**', 'src/bags/**'],
  '@mcap/core': ['src/bags/**'],
  '@mcap/nodejs': ['src/bags/**'],
  '@mcap/support': ['src/bags/**'],
  '@foxglove/rosmsg': ['src/bags/**'],
  '@foxglove/rosmsg-msgs-common': ['src/bags/**'],
  '@foxglove/rosmsg-serialization': ['src/bags/**'],
  '@foxglove/rosmsg2-serialization': ['src/bags/**'],
  '@foxglove/rosbag': ['src/bags/**'],
  '@foxglove/wasm-zstd': ['src/bags/**'],
  '@foxglove/message-definition': ['src/bags/**'],
  rclnodejs: ['src/ros/rclnodejs.ts'],
  geolib: ['src/geo/**'],
  echarts: ['src/evaluation/**'],
  '@bufbuild/protobuf': ['src/onnx/**'],
  commander: ['src/cli/**'],
};

const PURE_PATTERNS = [{ regex: '^(node:|fs$|path$|worker_threads$)', message: 'This room is pure: no Node modules.' }];

function foreignRooms(room) {
  const allowed = ROOMS[room];
  if (allowed === null) return [];
  const forbidden = Object.keys(ROOMS).filter((other) => other !== room && !allowed.includes(other));
  return [
    {
      regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
      message: `Room '${room}' may import from: ${allowed.join(', ') || 'no other room'} (eslint.config.js, ROOMS).`,
    },
  ];
}

const roomRules = Object.keys(ROOMS).map((room) => {
  const files = [`src/${room}/**/*.ts`];
  const paths = Object.entries(LIBRARY_HOMES)
    .filter(([, homes]) => !homes.some((home) => home.startsWith(`src/${room}/`)))
    .map(([name, homes]) => ({ name, message: `'${name}' lives in ${homes.join(', ')} only.` }));
  return {
    files,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths, patterns: [...foreignRooms(room), ...(PURE_ROOMS.includes(room) ? PURE_PATTERNS : [])] },
      ],
    },
  };
});

export default tseslint.config(
  {
    ignores: ['dist/**', 'node_modules/**', '.ros/**', '.cache/**', 'install/**', 'coverage/**', 'out/**', 'build/**'],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { n: nodePlugin },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/prefer-nullish-coalescing': 'off', // `||` on empty strings is meant where it stands
      '@typescript-eslint/no-non-null-assertion': 'off', // typed-array reads in hot loops are checked by their bounds
      '@typescript-eslint/consistent-type-definitions': 'off', // `type` for tagged records, `interface` for ports
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      'n/prefer-node-protocol': 'error',
    },
  },
  ...roomRules,
  {
    files: PURE_ROOMS.map((room) => `src/${room}/**/*.ts`),
    rules: {
      'no-restricted-globals': ['error', 'process', 'Buffer', 'console', 'setTimeout', 'performance', 'Date'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness comes from an injected seeded generator.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off', 'max-lines': 'off' },
  },
  {
    files: ['**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);

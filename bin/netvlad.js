#!/usr/bin/env node
const commandLine = '../dist/src/cli/main.js';
const doctorAlone = '../dist/src/cli/doctorAlone.js';

/** A native library that does not load ends every command at its import; the doctor's own file imports none of them. */
async function start() {
  try {
    return await import(commandLine);
  } catch (error) {
    if (process.argv[2] === 'doctor') return await import(doctorAlone);
    process.stderr.write(`error: netvlad cannot start: ${error.message}\n`);
    process.stderr.write('  `make setup` builds what is missing; `netvlad doctor` says what does not work.\n');
    process.exit(1);
  }
}

await (await start()).main(process.argv);

/** @file Mocha's `dot` reporter that also leaves its counts in the file named by TALLY_FILE (read by run.js). */
const { writeFileSync } = require('node:fs');
const process = require('node:process');
const { Runner, reporters } = require('mocha');

class TallyReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(process.env.TALLY_FILE, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
}

module.exports = TallyReporter;

/** @file The program behind `make demo`. */
import { runCommand } from '../runCommand.ts';
import { readDemoSettings } from './DemoSettings.ts';
import { runDemo } from './runDemo.ts';

await runCommand({}, (context) => runDemo(readDemoSettings(process.env), context));
// the graph's threads would keep the process for a while
process.exit();

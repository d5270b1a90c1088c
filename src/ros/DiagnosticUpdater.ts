/** @file /diagnostics as diagnostic_updater publishes it: levels, names, period; what is found is also logged, once. */
import { toRosTime } from '../bags/rosTime.ts';
import type { DiagnosticStatus, KeyValue } from './messages.ts';
import { readSystemTimeNs } from './NodeTime.ts';
import type { Destroyable, Publisher, RosNode } from './RosNode.ts';
import type { DiagnosticArray } from './messages.ts';

export type Level = 'ok' | 'warn' | 'error' | 'stale';

/** diagnostic_msgs/msg/DiagnosticStatus. */
const LEVELS: Readonly<Record<Level, number>> = { ok: 0, warn: 1, error: 2, stale: 3 };

/** What comes and goes, as a place that is barely recognized, is not written down at every turn. */
const QUIET_MS = 30_000;

/** Something that is not as it should be, with its cure in the text. */
export interface Finding {
  /** Stable: decides what is logged once. */
  readonly id: string;
  readonly level: 'warn' | 'error';
  readonly text: string;
  /** The log has told of it where it happened. */
  readonly isLogged?: boolean;
}

export interface TaskReport {
  /** When there are no findings. */
  readonly summary: string;
  readonly findings: readonly Finding[];
  readonly values: Readonly<Record<string, string | number | boolean>>;
}

export interface DiagnosticTask {
  /** `input`, `model`, ... */
  readonly name: string;
  report(): TaskReport;
}

function toText(value: string | number | boolean): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return Number.isNaN(value) ? 'unknown' : value.toPrecision(4);
}

export function toStatus(name: string, report: TaskReport, hardwareId: string): DiagnosticStatus {
  const worst = report.findings.some(({ level }) => level === 'error') ? 'error' : 'warn';
  const values: KeyValue[] = Object.entries(report.values).map(([key, value]) => ({ key, value: toText(value) }));
  return {
    level: LEVELS[report.findings.length === 0 ? 'ok' : worst],
    name,
    message: report.findings.length === 0 ? report.summary : report.findings.map(({ text }) => text).join(' '),
    hardware_id: hardwareId,
    values,
  };
}

/** Publishes on a steady timer: also with use_sim_time and no /clock. */
export class DiagnosticUpdater {
  readonly #node: RosNode;
  readonly #tasks: readonly DiagnosticTask[];
  readonly #publisher: Publisher<DiagnosticArray> & Destroyable;
  /** Findings that are there; true = the log has told of it. */
  readonly #known = new Map<string, boolean>();
  readonly #loggedAtMs = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  /** Names statuses `/namespace/node: task`, not `node: task`. */
  useFullName = false;
  hardwareId = '';

  constructor(node: RosNode, tasks: readonly DiagnosticTask[]) {
    this.#node = node;
    this.#tasks = tasks;
    this.#publisher = node.createPublisher('diagnostic_msgs/msg/DiagnosticArray', '/diagnostics', {
      reliability: 'reliable',
      durability: 'volatile',
      depth: 1,
    });
  }

  set periodS(seconds: number) {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.update();
    }, seconds * 1000);
  }

  update(): void {
    const prefix = this.useFullName ? this.#node.fullyQualifiedName : this.#node.name;
    const status = this.#tasks.map((task) => {
      const report = task.report();
      this.#log(task.name, report.findings);
      return toStatus(`${prefix}: ${task.name}`, report, this.hardwareId);
    });
    this.#publisher.publish({ header: { stamp: toRosTime(readSystemTimeNs()), frame_id: '' }, status });
  }

  destroy(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#publisher.destroy();
  }

  /** A finding is logged when it appears, and again only after it has gone, and not at once. */
  #log(task: string, findings: readonly Finding[]): void {
    const present = new Set(findings.map(({ id }) => `${task}/${id}`));
    for (const { id, level, text, isLogged = false } of findings) {
      const key = `${task}/${id}`;
      if (this.#known.has(key)) continue;
      const isDue = performance.now() - (this.#loggedAtMs.get(key) ?? -Infinity) > QUIET_MS;
      this.#known.set(key, isDue);
      if (!isDue) continue;
      this.#loggedAtMs.set(key, performance.now());
      if (!isLogged) this.#node.logger[level](text);
    }
    for (const [key, wasTold] of [...this.#known]) {
      if (!key.startsWith(`${task}/`) || present.has(key)) continue;
      this.#known.delete(key);
      if (wasTold) this.#node.logger.info(`Over: ${key}.`);
    }
  }
}

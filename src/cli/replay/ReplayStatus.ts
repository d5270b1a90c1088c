/** @file What the node says of itself once a second, of a replay: /diagnostics and ~/recall. Nothing that differs from run to run. */
import { toRosTime } from '../../bags/rosTime.ts';
import type { ReplayFrame } from '../../evaluation/replay/ReplayFrame.ts';
import type { Decision } from '../../localization/Localizer.ts';
import type { PlaceCalibration } from '../../localization/PlaceCalibration.ts';
import type { EngineFacts } from '../../recognition/RecognitionEngine.ts';
import { reportLocalization, reportMap, reportModel } from '../../ros/diagnosticTasks.ts';
import { toStatus, type TaskReport } from '../../ros/DiagnosticUpdater.ts';
import type { DiagnosticArray, RecallDiagnosticsMessage } from '../../ros/messages.ts';
import { RecallMonitor } from '../../ros/RecallMonitor.ts';
import { toRecallMessage, type MessageContext } from '../../ros/toMessages.ts';

const PERIOD_NS = 1_000_000_000n;
const NODE = 'localizer';

export interface StatusContext {
  readonly facts: EngineFacts;
  readonly imageTopic: string;
  readonly messages: MessageContext;
  readonly radiusM: number;
  /** Frames that the measured recall looks back on. */
  readonly windowFrames: number;
}

export class ReplayStatus {
  readonly #context: StatusContext;
  readonly #recall: RecallMonitor;
  readonly #calibration: PlaceCalibration | null;
  readonly #counts = { processed: 0, rejected: 0, dropped: 0 };
  #lastProblem: string | null = null;
  #lastDecision: Decision | null = null;
  #lastNs: bigint | null = null;

  constructor(context: StatusContext) {
    this.#context = context;
    this.#recall = new RecallMonitor(context.facts.map.places);
    this.#calibration = context.facts.map.calibration as PlaceCalibration | null;
  }

  add(frame: ReplayFrame): void {
    this.#counts[frame.kind]++;
    if (frame.kind === 'dropped') return;
    this.#lastProblem = frame.kind === 'rejected' ? frame.problem.message : null;
    if (frame.kind === 'rejected') return;
    this.#lastDecision = frame.decision;
    const places = frame.matches.map(({ place }) => place);
    const { radiusM, windowFrames } = this.#context;
    this.#recall.judge(frame.decision, places, { truth: frame.truth, radiusM, frames: windowFrames });
  }

  /** Null until a second of the recording has passed since the last one. */
  takeDue(
    logTimeNs: bigint,
  ): { readonly diagnostics: DiagnosticArray; readonly recall: RecallDiagnosticsMessage } | null {
    if (this.#lastNs !== null && logTimeNs >= this.#lastNs && logTimeNs < this.#lastNs + PERIOD_NS) return null;
    this.#lastNs = logTimeNs;
    return { diagnostics: this.#toDiagnostics(logTimeNs), recall: this.#toRecall() };
  }

  #toDiagnostics(logTimeNs: bigint): DiagnosticArray {
    const { facts } = this.#context;
    const lastDecision = this.#lastDecision;
    const reports: Readonly<Record<string, TaskReport>> = {
      input: this.#reportInput(),
      model: reportModel({
        facts,
        worker: { kind: 'closed' },
        death: null,
        pipeline: null,
        loadingS: null,
        error: null,
      }),
      map: reportMap({
        ...{ facts, size: facts.map.places.length, mapping: null },
        calibrationWarning: this.#calibration?.warning ?? null,
      }),
      localization: reportLocalization({
        ...{ state: 'active', enabled: true, pipeline: { lastDecision }, findings: [], loopDelayMs: NaN },
      }),
    };
    const status = Object.entries(reports).map(([name, report]) => toStatus(`${NODE}: ${name}`, report, ''));
    return { header: { stamp: toRosTime(logTimeNs), frame_id: '' }, status };
  }

  #reportInput(): TaskReport {
    const { imageTopic: topic } = this.#context;
    const { processed, rejected, dropped } = this.#counts;
    const text = `The last image on ${topic} cannot be used: ${this.#lastProblem ?? ''}`;
    return {
      summary: `${topic} from a recording.`,
      findings: this.#lastProblem === null ? [] : [{ id: 'unusable', level: 'error', text }],
      values: {
        topic,
        'frames received': processed + rejected + dropped,
        'frames processed': processed,
        'frames rejected': rejected,
        'frames dropped': dropped,
      },
    };
  }

  #toRecall(): RecallDiagnosticsMessage {
    const { messages, radiusM } = this.#context;
    return toRecallMessage(this.#recall.read(), messages, {
      ...{ stampNs: this.#lastDecision?.stampNs ?? 0n, radiusM, expected: this.#calibration?.expectedRecall ?? {} },
    });
  }
}

/** @file What the four statuses on /diagnostics say: pure reports over what the node knows. */
import type { ImageQuality } from '../recognition/imageQuality.ts';
import type { EngineFacts } from '../recognition/RecognitionEngine.ts';
import type { WorkerState } from '../recognition/WorkerRecognizer.ts';
import type { Finding, TaskReport } from './DiagnosticUpdater.ts';
import type { PipelineStatistics } from './FramePipeline.ts';
import { checkInput, type InputFacts } from './inputHealth.ts';
import { countOf } from '../countOf.ts';

/** Below these there is nothing to recognize; from degraded images of several data sets (docs/ros.md). */
const BLACK_BELOW = 12;
const COVERED_BELOW = 6;
const BLURRED_BELOW = 0.04;

/** One frame takes a tenth of a second, the first on a GPU some seconds. */
const STUCK_AFTER_S = 5;

/** A worker is back within a second: its death is told of for a while longer. */
const DEATH_TOLD_S = 10;

export function checkQuality(quality: ImageQuality): readonly Finding[] {
  const { brightness, contrast, sharpness } = quality;
  if (brightness < BLACK_BELOW) {
    const text = `The image is black (mean brightness ${brightness.toFixed(0)} of 255): is the lens cap on, the exposure too short, or the light off?`;
    return [{ id: 'black', level: 'warn', text }];
  }
  if (contrast < COVERED_BELOW) {
    const text = `The image has no contrast (standard deviation ${contrast.toFixed(1)} of 255): is the camera covered, overexposed, or looking at a bare wall?`;
    return [{ id: 'covered', level: 'warn', text }];
  }
  if (sharpness >= BLURRED_BELOW) return [];
  const text = `The image is blurred beyond use (sharpness ${sharpness.toFixed(2)}, below ${BLURRED_BELOW}): clean the lens, check the focus, or shorten the exposure.`;
  return [{ id: 'blurred', level: 'warn', text }];
}

export interface InputReportFacts {
  readonly input: InputFacts;
  readonly pipeline: PipelineStatistics;
}

export function reportInput(facts: InputReportFacts | null): TaskReport {
  if (facts === null) return { summary: 'Not listening to a camera.', findings: [], values: {} };
  const { input, pipeline } = facts;
  const { arrivals } = input;
  const { counts, lastProblem, lastQuality, rejected } = pipeline;
  const unusable: readonly Finding[] =
    lastProblem === null
      ? []
      : [{ id: 'unusable', level: 'error', text: `The last image on ${input.topic} cannot be used: ${lastProblem}` }];
  const quality = lastQuality === null || unusable.length > 0 ? [] : checkQuality(lastQuality);
  return {
    summary: `${input.topic} at ${arrivals.rateHz.toFixed(1)} Hz.`,
    findings: [...checkInput(input), ...unusable, ...quality],
    values: {
      topic: input.topic,
      type: input.type,
      publishers: input.publishers.length,
      'rate [Hz]': arrivals.rateHz,
      'camera_info rate [Hz]': input.cameraInfoHz,
      'age [s]': arrivals.ageS ?? NaN,
      'stamp offset [s]': arrivals.stampOffsetS ?? NaN,
      'clock [s]': input.clockNs === null ? NaN : Number(input.clockNs / 1_000_000_000n),
      'stamps backwards': arrivals.stampsBackwards,
      'frames received': counts.received,
      'frames processed': counts.processed,
      'frames dropped': counts.dropped,
      'frames failed': counts.failed,
      'frames unusable': [...rejected.values()].reduce((sum, count) => sum + count, 0),
      ...Object.fromEntries([...rejected].map(([kind, count]) => [`unusable: ${kind}`, count])),
      brightness: lastQuality?.brightness ?? NaN,
      contrast: lastQuality?.contrast ?? NaN,
      sharpness: lastQuality?.sharpness ?? NaN,
    },
  };
}

export interface ModelReportFacts {
  readonly facts: EngineFacts | null;
  readonly worker: WorkerState;
  /** The worker's last death; null = none since configure. */
  readonly death: { readonly reason: string; readonly agoS: number } | null;
  readonly pipeline: PipelineStatistics | null;
  /** Seconds since configure began, while it goes on; null otherwise. */
  readonly loadingS: number | null;
  /** Why the last transition failed. */
  readonly error: string | null;
}

export function reportModel({ facts, worker, death, pipeline, loadingS, error }: ModelReportFacts): TaskReport {
  if (facts === null) {
    const findings: readonly Finding[] =
      error === null ? [] : [{ id: 'failed', level: 'error', text: error, isLogged: true }];
    const summary = loadingS === null ? 'Not configured.' : `Loading model and map for ${loadingS.toFixed(0)} s.`;
    return { summary, findings, values: {} };
  }
  const findings: Finding[] = [];
  if (worker.kind === 'restarting') {
    const text = `The recognition worker died and is being restarted: ${worker.reason}. Frames are lost meanwhile.`;
    findings.push({ id: 'worker', level: 'error', text });
  } else if (death !== null && death.agoS < DEATH_TOLD_S) {
    const text = `The recognition worker died ${death.agoS.toFixed(0)} s ago and was restarted: ${death.reason}. If that repeats: is there enough memory (dmesg), and is the model sound (netvlad model check)?`;
    findings.push({ id: 'worker', level: 'error', text });
  }
  const busyS = pipeline?.underWayS ?? 0;
  if (busyS > STUCK_AFTER_S && worker.kind === 'ready') {
    const text = `The recognition worker has had one frame for ${busyS.toFixed(0)} s, and later ones are dropped. Is the machine overloaded, or the worker process stopped? Deactivate and cleanup end it.`;
    findings.push({ id: 'stuck', level: 'error', text });
  }
  if (facts.model.providerProblem !== null) {
    const text = `${facts.model.providerProblem} Inference runs on ${facts.model.provider}.`;
    findings.push({ id: 'provider', level: 'warn', text });
  }
  const timings = pipeline?.timings;
  return {
    summary: `${facts.model.name} on ${facts.model.provider}.`,
    findings,
    values: {
      model: facts.model.name,
      sha256: facts.model.sha256,
      provider: facts.model.provider,
      'worker restarts': worker.kind === 'closed' ? 0 : worker.restarts,
      'decode [ms]': timings?.decodeMs ?? NaN,
      'describe [ms]': timings?.describeMs ?? NaN,
      'search [ms]': timings?.searchMs ?? NaN,
      'verify [ms]': timings?.verifyMs ?? NaN,
      'overhead [ms]': pipeline?.overheadMs ?? NaN,
      'latency [ms]': pipeline?.latencyMs ?? NaN,
    },
  };
}

export interface MapReportFacts {
  readonly facts: EngineFacts | null;
  /** Places now, those added while mapping included. */
  readonly size: number;
  readonly mapping: { readonly added: number; readonly refused: number; readonly lastProblem: string | null } | null;
  readonly calibrationWarning: string | null;
}

export function reportMap({ facts, size, mapping, calibrationWarning }: MapReportFacts): TaskReport {
  if (facts === null) return { summary: 'Not configured.', findings: [], values: {} };
  const findings: Finding[] = [];
  if (mapping !== null && mapping.lastProblem !== null) {
    findings.push({ id: 'refused', level: 'error', text: `The last place could not be added: ${mapping.lastProblem}` });
  }
  if (size === 0 && mapping === null) {
    const text = `Map ${facts.map.path} has no places. Call ~/set_mapping and drive, or build it with \`netvlad map build\`.`;
    findings.push({ id: 'empty', level: 'warn', text });
  }
  if (calibrationWarning !== null && size > 0) {
    findings.push({ id: 'uncalibrated', level: 'warn', text: calibrationWarning });
  }
  return {
    summary:
      mapping === null ? `${countOf(size, 'place')}.` : `${countOf(size, 'place')}, mapping (${mapping.added} added).`,
    findings,
    values: {
      map: facts.map.path,
      id: facts.map.id,
      frame: facts.map.frame,
      places: size,
      'has datum': facts.map.datum !== null,
      'has local features': facts.map.hasLocalFeatures,
      'made by model': facts.model.name,
      mapping: mapping !== null,
      'places added': mapping?.added ?? 0,
      'places refused': mapping?.refused ?? 0,
    },
  };
}

export interface LocalizationReportFacts {
  readonly state: string;
  readonly enabled: boolean;
  readonly pipeline: Pick<PipelineStatistics, 'lastDecision'> | null;
  /** Missing transforms and the like. */
  readonly findings: readonly Finding[];
  /** 99th percentile of how late the main thread's event loop was since activation. */
  readonly loopDelayMs: number;
}

export function reportLocalization({
  state,
  enabled,
  pipeline,
  findings,
  loopDelayMs,
}: LocalizationReportFacts): TaskReport {
  const decision = pipeline?.lastDecision ?? null;
  const values = { lifecycle: state, enabled, 'event loop delay p99 [ms]': loopDelayMs };
  if (state !== 'active') return { summary: `The node is ${state}.`, findings: [], values };
  if (!enabled) return { summary: 'Disabled by ~/set_enabled.', findings: [], values };
  if (decision === null) return { summary: 'No frame processed yet.', findings, values };
  const isGood = decision.state === 'located' || decision.state === 'uncertain';
  const lost: readonly Finding[] = isGood
    ? []
    : [{ id: decision.state, level: 'warn', text: `${decision.state}: ${decision.reason}` }];
  return {
    summary: decision.state === 'located' ? 'located.' : `${decision.state}: ${decision.reason}`,
    findings: [...findings, ...lost],
    values: {
      ...values,
      state: decision.state,
      confidence: decision.confidence,
      reason: decision.reason,
      hypotheses: decision.hypotheses.length,
      'best image': decision.hypotheses[0]?.image ?? '',
    },
  };
}

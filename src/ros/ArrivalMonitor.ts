/** @file When messages of a topic came: rate, age, stamp offset. Pure bookkeeping over times that the caller reads. */

const WINDOW_MS = 5000;

export interface Arrivals {
  readonly count: number;
  /** Over the last five seconds; 0 before the second message. */
  readonly rateHz: number;
  /** Since the last message, seconds; null before the first. */
  readonly ageS: number | null;
  /** Stamp minus clock at arrival, seconds, of the last message; null when the clock is unknown. Negative = past. */
  readonly stampOffsetS: number | null;
  /** Messages whose stamp was not after the one before. */
  readonly stampsBackwards: number;
}

export class ArrivalMonitor {
  #times: number[] = [];
  #count = 0;
  #lastStampNs: bigint | null = null;
  #stampOffsetS: number | null = null;
  #stampsBackwards = 0;

  /** `atMs` is monotonic; `clockNs` the node's time, null when unknown. */
  arrived(atMs: number, stampNs: bigint, clockNs: bigint | null): void {
    this.#count += 1;
    this.#times.push(atMs);
    if (this.#times.length > 1 && this.#times[0]! < atMs - WINDOW_MS) this.#forget(atMs);
    if (this.#lastStampNs !== null && stampNs <= this.#lastStampNs) this.#stampsBackwards += 1;
    this.#lastStampNs = stampNs;
    this.#stampOffsetS = clockNs === null ? null : Number(stampNs - clockNs) / 1e9;
  }

  read(nowMs: number): Arrivals {
    this.#forget(nowMs);
    const last = this.#times.at(-1);
    const spanMs = last === undefined ? 0 : last - this.#times[0]!;
    return {
      count: this.#count,
      rateHz: spanMs > 0 ? ((this.#times.length - 1) * 1000) / spanMs : 0,
      ageS: last === undefined ? null : (nowMs - last) / 1000,
      stampOffsetS: this.#stampOffsetS,
      stampsBackwards: this.#stampsBackwards,
    };
  }

  /** Drops what is older than the window, but keeps the newest for the age. */
  #forget(nowMs: number): void {
    const first = this.#times.findIndex((time) => time >= nowMs - WINDOW_MS);
    this.#times = first < 0 ? this.#times.slice(-1) : this.#times.slice(first);
  }
}

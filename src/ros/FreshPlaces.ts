/** @file The newest places of a drive, as long as the camera may still see what it has just mapped. Pure. */
import type { Pose } from '../geo/Pose.ts';
import type { Place } from '../map/Place.ts';

/** A moment of the drive. */
export interface Moment {
  readonly stampNs: bigint;
  readonly odometry: Pose | null;
}

/**
 * Fresh places are neither searched nor localized in: they resemble the present view because they were taken a moment ago,
 * and would only hand back the position that they were given. Ids ascend along a drive, so one id bounds them.
 */
export class FreshPlaces {
  readonly #isOld: (place: number, now: Moment) => boolean;
  /** Ascending by id. */
  #fresh: Place[] = [];
  #newestOld: number;

  /** `newestOld`: the last place of the map before the drive, 0 in an empty one. */
  constructor(isOld: (place: number, now: Moment) => boolean, newestOld: number) {
    this.#isOld = isOld;
    this.#newestOld = newestOld;
  }

  /** Places up to this id may be searched. */
  get newestOld(): number {
    return this.#newestOld;
  }

  add(place: Place): void {
    this.#fresh.push(place);
  }

  /** Takes out those that are old by now. */
  release(now: Moment): readonly Place[] {
    let count = 0;
    while (count < this.#fresh.length && this.#isOld(this.#fresh[count]!.id, now)) count++;
    return this.#take(count);
  }

  /** Takes out all, as at the end of the drive. */
  releaseAll(): readonly Place[] {
    return this.#take(this.#fresh.length);
  }

  #take(count: number): readonly Place[] {
    const released = this.#fresh.splice(0, count);
    this.#newestOld = released.at(-1)?.id ?? this.#newestOld;
    return released;
  }
}

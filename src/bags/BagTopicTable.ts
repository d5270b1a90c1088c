/** @file One object a topic, although a recording may have several publishers, channels or files of it. */
import type { BagTopic } from './BagSource.ts';
import { normalizeTypeName } from './messageDefinitions.ts';

interface GrowingTopic extends BagTopic {
  messageCount: number | null;
}

export class BagTopicTable {
  readonly #topics = new Map<string, GrowingTopic>();

  /** The topic's one object; a second channel of the same name, type and schema adds its count to it. */
  add(topic: BagTopic): BagTopic {
    const type = normalizeTypeName(topic.type);
    const key = JSON.stringify([topic.name, type, topic.encoding, topic.schema]);
    const known = this.#topics.get(key);
    if (known === undefined) {
      const fresh = { ...topic, type };
      this.#topics.set(key, fresh);
      return fresh;
    }
    known.messageCount =
      known.messageCount === null || topic.messageCount === null ? null : known.messageCount + topic.messageCount;
    return known;
  }

  /** By name. */
  topics(): readonly BagTopic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}

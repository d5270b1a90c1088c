/** @file From the bytes of a message to its fields: by the recording's own schema, or by the bundled definition of the type. */
import { parse } from '@foxglove/rosmsg';
import { MessageReader as Ros1MessageReader } from '@foxglove/rosmsg-serialization';
import { MessageReader as CdrMessageReader } from '@foxglove/rosmsg2-serialization';
import type { MessageDefinition } from '@foxglove/message-definition';
import { NetvladError } from '../errors.ts';
import type { BagMessage, BagTopic } from './BagSource.ts';
import { findRos1Definition, findRos2Definition } from './messageDefinitions.ts';

type Decoder = (data: Uint8Array) => unknown;

const decoders = new WeakMap<BagTopic, Decoder>();

/**
 * The fields of a message, named as in its definition. Throws when the topic's encoding or type is none that we can
 * decode, or when the bytes contradict the definition.
 */
export function decodeMessage(message: BagMessage): unknown {
  let decoder = decoders.get(message.topic);
  if (decoder === undefined) {
    decoder = createDecoder(message.topic);
    decoders.set(message.topic, decoder);
  }
  return decoder(message.data);
}

/** Whether messages of this encoding can be decoded at all. */
export function isDecodable(topic: BagTopic): boolean {
  return topic.encoding === 'cdr' || topic.encoding === 'ros1';
}

function createDecoder(topic: BagTopic): Decoder {
  switch (topic.encoding) {
    case 'cdr': {
      const reader = new CdrMessageReader(definitionsOf(topic, true));
      return (data) => reader.readMessage(data);
    }
    case 'ros1': {
      const reader = new Ros1MessageReader(definitionsOf(topic, false));
      return (data) => reader.readMessage(data);
    }
    default:
      throw new NetvladError('bad-input', `Topic ${topic.name} is encoded as ${topic.encoding}.`, {
        hint: 'Recordings are read in CDR (ROS 2) and in the ROS 1 encoding.',
      });
  }
}

function definitionsOf(topic: BagTopic, ros2: boolean): MessageDefinition[] {
  const expected = ros2 ? 'ros2msg' : 'ros1msg';
  if (topic.schema?.encoding === expected) {
    const definitions = parse(topic.schema.text, { ros2 });
    if (definitions.length > 0) return definitions;
  }
  const bundled = ros2 ? findRos2Definition(topic.type) : findRos1Definition(topic.type);
  if (bundled !== null) return bundled.definitions;
  throw new NetvladError('bad-input', `Topic ${topic.name} has no definition of ${topic.type || 'its type'}.`, {
    hint: 'The recording does not carry one, and this type is none of the common ones that are bundled.',
  });
}

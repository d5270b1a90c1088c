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
      const reader = createReader(topic, true, (definitions) => new CdrMessageReader(definitions));
      return (data) => reader.readMessage(data);
    }
    case 'ros1': {
      const reader = createReader(topic, false, (definitions) => new Ros1MessageReader(definitions));
      return (data) => reader.readMessage(data);
    }
    default:
      throw new NetvladError('bad-input', `Topic ${topic.name} is encoded as ${topic.encoding}.`, {
        hint: 'Recordings are read in CDR (ROS 2) and in the ROS 1 encoding.',
      });
  }
}

/** By the recording's own schema; where it has none, or one that is damaged, by the bundled definition of the type. */
function createReader<Reader>(
  topic: BagTopic,
  ros2: boolean,
  create: (definitions: MessageDefinition[]) => Reader,
): Reader {
  let damage: Error | null = null;
  if (topic.schema?.encoding === (ros2 ? 'ros2msg' : 'ros1msg')) {
    try {
      const definitions = parse(topic.schema.text, { ros2 });
      if (definitions.length > 0) return create(definitions);
    } catch (error) {
      damage = error as Error;
    }
  }
  const bundled = ros2 ? findRos2Definition(topic.type) : findRos1Definition(topic.type);
  if (bundled !== null) return create(bundled.definitions);
  const type = topic.type || 'its type';
  const what = damage === null ? `no definition of ${type}` : `a definition of ${type} that cannot be read`;
  throw new NetvladError('bad-input', `Topic ${topic.name} has ${what}.`, {
    hint: `${damage === null ? 'The recording does not carry one' : damage.message}, and this type is none of the common ones that are bundled.`,
    cause: damage,
  });
}

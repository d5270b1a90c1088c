/** @file Which topic is meant: the one that was named, or the only one of the right type. */
import { NetvladError } from '../errors.ts';
import type { BagMessage, BagSource, BagTopic } from './BagSource.ts';
import { isDecodable } from './decodeMessage.ts';

export const IMAGE_TYPES = ['sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'] as const;

export const POSITION_TYPES = [
  'sensor_msgs/msg/NavSatFix',
  'nav_msgs/msg/Odometry',
  'geometry_msgs/msg/PoseStamped',
  'geometry_msgs/msg/PoseWithCovarianceStamped',
] as const;

/** Whether a message is an image; a topic may have channels of other types. */
export function holdsImage({ topic }: BagMessage): boolean {
  return IMAGE_TYPES.some((type) => type === topic.type);
}

export interface TopicWish {
  /** For messages: `camera`. */
  readonly what: string;
  readonly types: readonly string[];
  /** As the user named it; undefined = the only one there is. */
  readonly name: string | undefined;
  /** The option that names it, for the hint: `--image-topic`. */
  readonly option: string;
}

/** Throws `bad-input` that lists the candidates, or all topics where there is none. */
export function chooseTopic(bag: BagSource, wish: TopicWish): BagTopic {
  const topic = wish.name === undefined ? findOnlyTopic(bag, wish) : findNamedTopic(bag, wish, wish.name);
  if (topic !== null) return topic;
  throw new NetvladError('bad-input', `${bag.path} has no ${wish.what} topic (${wish.types.join(', ')}).`, {
    hint: `It holds ${listTopics(bag.topics)}.${encodingNote(bag.topics)}`,
  });
}

/** As `chooseTopic`, but null when there is no topic of the types and none was named. */
export function findTopic(bag: BagSource, wish: TopicWish): BagTopic | null {
  return wish.name === undefined ? findOnlyTopic(bag, wish) : chooseTopic(bag, wish);
}

function findOnlyTopic(bag: BagSource, wish: TopicWish): BagTopic | null {
  const candidates = bag.topics.filter(
    (topic) => wish.types.includes(topic.type) && isDecodable(topic) && topic.messageCount !== 0,
  );
  const names = new Set(candidates.map(({ name }) => name));
  if (names.size > 1) {
    throw new NetvladError('bad-input', `${bag.path} has ${names.size} topics that may be the ${wish.what} topic.`, {
      hint: `Name one with ${wish.option}: ${listTopics(candidates)}.`,
    });
  }
  return joinChannels(candidates);
}

/**
 * A recording may have a topic in several channels: joined from two, or of publishers that differ in a comment of the definition.
 * Each message says of which it is.
 */
function joinChannels(channels: readonly BagTopic[]): BagTopic | null {
  const [first] = channels;
  if (first === undefined) return null;
  const counts = channels.map(({ messageCount }) => messageCount);
  return {
    ...first,
    messageCount: counts.reduce((sum, count) => (sum === null || count === null ? null : sum + count)),
  };
}

function findNamedTopic(bag: BagSource, wish: TopicWish, name: string): BagTopic {
  const channels = bag.topics.filter((each) => each.name === name);
  const fitting = joinChannels(channels.filter((each) => wish.types.includes(each.type) && isDecodable(each)));
  if (fitting !== null) return fitting;
  const [topic] = channels;
  if (topic === undefined) {
    throw new NetvladError('bad-input', `${bag.path} has no topic ${name}.`, {
      hint: `It holds ${listTopics(bag.topics)}.`,
    });
  }
  if (!isDecodable(topic)) {
    throw new NetvladError('bad-input', `Topic ${name} of ${bag.path} is encoded as ${topic.encoding}.`, {
      hint: 'Recordings are read in CDR (ROS 2) and in the ROS 1 encoding.',
    });
  }
  throw new NetvladError(
    'bad-input',
    `Topic ${name} of ${bag.path} holds ${topic.type || 'messages of unknown type'}.`,
    { hint: `The ${wish.what} topic must hold ${wish.types.join(' or ')}.` },
  );
}

function listTopics(topics: readonly BagTopic[]): string {
  if (topics.length === 0) return 'no readable topics';
  return [...new Set(topics.map(describeTopic))].join(', ');
}

function describeTopic({ name, type, encoding, messageCount }: BagTopic): string {
  const facts = [type || 'unknown type', ...(encoding === 'cdr' ? [] : [encoding])];
  if (messageCount === 0) facts.push('no readable messages');
  return `${name} (${facts.join(', ')})`;
}

function encodingNote(topics: readonly BagTopic[]): string {
  const foreign = topics.filter((topic) => !isDecodable(topic)).map(({ encoding }) => encoding);
  if (foreign.length === 0) return '';
  return ` Messages encoded as ${[...new Set(foreign)].join(', ')} cannot be read; CDR (ROS 2) and the ROS 1 encoding can.`;
}

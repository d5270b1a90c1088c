/** @file rosbag2 files with SQLite storage (`.db3`), messages plain or compressed one by one. */
import { basename } from 'node:path';
import Database from 'better-sqlite3';
import { NetvladError } from '../errors.ts';
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';
import { BagTopicTable } from './BagTopicTable.ts';
import type { BagItem, BagSchema, BagSource, BagTopic, TimeRange } from './BagSource.ts';
import { describeCut } from './sqlitePages.ts';
import { isZstd, unpackZstd } from './zstd.ts';

/** Rows are listed in pages, so that no query stays open while a consumer thinks. */
const PAGE_ROWS = 4096;
/** A damaged page of 4 KB hides at most about a hundred small messages; behind a longer gap nothing is expected. */
const SALVAGE_GAP = 512;

interface TopicRow {
  readonly id: bigint;
  readonly name: string;
  readonly type: string;
  readonly serialization_format: string;
}

interface MessageRow {
  readonly id: bigint;
  readonly topic_id: bigint;
  readonly timestamp: bigint;
}

export class SqliteBag implements BagSource {
  readonly path: string;
  readonly description: string;
  readonly topics: readonly BagTopic[];
  readonly range: TimeRange | null;
  readonly #db: Database.Database;
  readonly #cut: string | null;
  readonly #topicOfId = new Map<bigint, BagTopic>();

  private constructor(path: string, db: Database.Database, cut: string | null) {
    this.path = path;
    this.#db = db;
    this.#cut = cut;
    this.description = `rosbag2 SQLite ${basename(path)}`;
    const counts = readCounts(db);
    const schemas = readSchemas(db);
    const table = new BagTopicTable();
    for (const row of db.prepare<[], TopicRow>('SELECT id, name, type, serialization_format FROM topics').all()) {
      const { name, type, serialization_format: encoding } = row;
      const messageCount = counts === null ? null : (counts.get(row.id) ?? 0);
      this.#topicOfId.set(row.id, table.add({ name, type, encoding, schema: schemas.get(type) ?? null, messageCount }));
    }
    this.topics = table.topics();
    this.range = readRange(db);
  }

  /** `path` names the recording in messages; `file` is where its bytes lie, whole pages of them. */
  static open(path: string, file: string = path): SqliteBag {
    let db: Database.Database | undefined;
    try {
      db = new Database(file, { readonly: true, fileMustExist: true });
      db.defaultSafeIntegers(true);
      const cut = describeCut(path);
      if (cut !== null) allowMissingPages(db);
      return new SqliteBag(path, db, cut);
    } catch (cause) {
      db?.close();
      throw new NetvladError(
        'bad-input',
        `${path} cannot be read as a rosbag2 recording: ${(cause as Error).message}.`,
        {
          hint: 'Its list of topics could not be read, so no message can be told from another: nothing was read.',
          cause,
        },
      );
    }
  }

  async *messages(topics?: readonly string[]): AsyncGenerator<BagItem> {
    const wanted = topics === undefined ? null : new Set(topics);
    if (this.#cut !== null) yield { problem: this.#cut, where: this.path };
    const read = this.#db.prepare<[bigint], { readonly data: Uint8Array }>('SELECT data FROM messages WHERE id = ?');
    for (const row of this.#rows()) {
      if ('problem' in row) {
        yield row;
        continue;
      }
      if (!isInteger(row.timestamp)) {
        yield this.#problem(row.id, `has the time ${JSON.stringify(row.timestamp)}, which is no number of nanoseconds`);
        continue;
      }
      const topic = this.#topicOfId.get(row.topic_id);
      if (topic === undefined) yield this.#problem(row.id, `names a topic ${row.topic_id} that is not listed`);
      else if (wanted === null || wanted.has(topic.name)) yield this.#readMessage(read, row, topic);
    }
    await Promise.resolve();
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }

  #readMessage(
    read: Database.Statement<[bigint], { readonly data: Uint8Array }>,
    row: MessageRow,
    topic: BagTopic,
  ): BagItem {
    try {
      const data = read.get(row.id)?.data;
      if (!(data instanceof Uint8Array)) return this.#problem(row.id, 'holds no bytes');
      return { topic, logTimeNs: row.timestamp, data: isZstd(data) ? unpackZstd(data) : data };
    } catch (error) {
      return this.#problem(row.id, `cannot be read: ${(error as Error).message}`);
    }
  }

  #problem(id: bigint, what: string): DatasetProblem {
    return { problem: `The message ${what}.`, where: `${this.path}, messages.id ${id}` };
  }

  /** Rows in time order, page by page; of a damaged file, what can still be listed. */
  *#rows(): Generator<MessageRow | DatasetProblem> {
    const page = this.#db.prepare<[bigint, bigint, number], MessageRow>(
      `SELECT id, topic_id, timestamp FROM messages WHERE (timestamp, id) > (?, ?) ORDER BY timestamp, id LIMIT ?`,
    );
    let last = { timestamp: -(2n ** 63n), id: -(2n ** 63n) };
    for (;;) {
      let rows: readonly MessageRow[];
      try {
        rows = page.all(last.timestamp, last.id, PAGE_ROWS);
      } catch (error) {
        yield {
          problem: `The list of messages is damaged (${(error as Error).message}); what can still be found is read.`,
          where: this.path,
        };
        yield* this.#salvageRows(last);
        return;
      }
      yield* rows;
      const end = rows.at(-1);
      if (end === undefined || rows.length < PAGE_ROWS) return;
      last = end;
    }
  }

  /** Looks for the rows one id after the other: SQLite cannot walk the tree, but may find most leaves from its root. */
  *#salvageRows(after: { readonly timestamp: bigint; readonly id: bigint }): Generator<MessageRow | DatasetProblem> {
    const probe = this.#db.prepare<[bigint], MessageRow>('SELECT id, topic_id, timestamp FROM messages WHERE id = ?');
    const found: MessageRow[] = [];
    let failures = 0;
    for (let id = 1n; failures < SALVAGE_GAP; id++) {
      try {
        const row = probe.get(id);
        if (row === undefined) failures++;
        else if (isAfter(row, after)) found.push(row);
        if (row !== undefined) failures = 0;
      } catch {
        failures++;
      }
    }
    const last = found.at(-1);
    yield {
      problem:
        last === undefined
          ? 'No message of it can be found.'
          : `The last message that can be found is messages.id ${last.id}.`,
      where: this.path,
    };
    yield* found.sort((a, b) => (isAfter(a, b) ? 1 : -1));
  }
}

/**
 * SQLite refuses a file with fewer pages than its header counts, unless the schema is said to be writable (lockBtree in
 * btree.c); then only what lies on the missing pages is refused. Nothing is written: the database is open for reading.
 */
function allowMissingPages(db: Database.Database): void {
  db.unsafeMode(true);
  db.pragma('writable_schema = ON');
}

/** A column of SQLite holds whatever was put into it. */
function isInteger(value: unknown): value is bigint {
  return typeof value === 'bigint';
}

function isAfter(
  row: { readonly timestamp: bigint; readonly id: bigint },
  other: { readonly timestamp: bigint; readonly id: bigint },
): boolean {
  return row.timestamp > other.timestamp || (row.timestamp === other.timestamp && row.id > other.id);
}

function readCounts(db: Database.Database): ReadonlyMap<bigint, number> | null {
  try {
    const rows = db
      .prepare<[], { id: bigint; n: bigint }>('SELECT topic_id AS id, COUNT(*) AS n FROM messages GROUP BY topic_id')
      .all();
    return new Map(rows.map((row) => [row.id, Number(row.n)]));
  } catch {
    return null; // damaged: reading will name where
  }
}

/** Recordings since ROS 2 Jazzy carry the definitions of their types. */
function readSchemas(db: Database.Database): ReadonlyMap<string, BagSchema> {
  try {
    const rows = db
      .prepare<[], { type: string; encoding: string; text: string }>(
        'SELECT topic_type AS type, encoding, encoded_message_definition AS text FROM message_definitions',
      )
      .all();
    return new Map(rows.map(({ type, encoding, text }) => [type, { encoding, text }]));
  } catch {
    return new Map();
  }
}

function readRange(db: Database.Database): TimeRange | null {
  try {
    const row = db
      .prepare<[], { startNs: bigint | null; endNs: bigint | null }>(
        `SELECT MIN(timestamp) AS startNs, MAX(timestamp) AS endNs FROM messages WHERE typeof(timestamp) = 'integer'`,
      )
      .get();
    return row?.startNs == null || row.endNs === null ? null : { startNs: row.startNs, endNs: row.endNs };
  } catch {
    return null;
  }
}

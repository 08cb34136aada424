import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError } from '@sallyport/shared/errors/errors.ts';
import {
  AckPolicy,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  DeliverPolicy,
  headers,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  nkeyAuthenticator,
} from 'nats';
import type { JournalRecord } from './chain.ts';
import { type Message, messageOf } from './cloud-event.ts';
import { type Cursor, readCursor, writeCursor } from './cursor.ts';
import { Flight } from './flight.ts';
import type { Journal } from './journal.ts';
import { type Lane, lanesOf, type StreamName } from './lane.ts';

/** How the gateway proves itself to NATS; files are read at every connection, so they may be renewed. */
export type NatsCredentials =
  | { readonly credsFile: string }
  | { readonly nkeyFile: string }
  | { readonly user: string; readonly passwordFile: string }
  | { readonly tokenFile: string };

export interface PublisherOptions {
  readonly journal: Pick<Journal, 'dir' | 'id' | 'head' | 'read'>;
  /** One server or several, separated by commas; `tls://` insists on TLS. */
  readonly url: string;
  readonly credentials?: NatsCredentials;
  /** PEM files. Given at all, TLS is insisted on. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** For streams that do not exist yet. */
  readonly streams?: { readonly replicas?: number; readonly maxAgeMs?: number; readonly dedupeWindowMs?: number };
  readonly onState?: (status: PublisherStatus) => void;
}

export interface PublisherStatus {
  readonly state: 'connecting' | 'up' | 'down';
  /** The last record that NATS acknowledged. */
  readonly published: number;
  /** Records that it has yet to acknowledge. */
  readonly lag: number;
  readonly lastError: string | undefined;
}

interface Sent {
  readonly record: JournalRecord;
  readonly sizeBytes: number;
  /** The place of this record in each stream that has it. */
  readonly places: Map<StreamName, number>;
}

const MAX_IN_FLIGHT = 256;
const MAX_IN_FLIGHT_BYTES = 4 * 1024 * 1024;
const ACK_TIMEOUT_MS = 5_000;
const DRAIN_MS = 2_000;
const CURSOR_INTERVAL_MS = 250;
const BACKOFF_MS = { first: 250, most: 15_000 };
const DEDUPE_WINDOW_MS = 2 * 60 * 60 * 1000;
const SCAN_BATCH = 1000;

/** JetStream's own number for "wrong last msg ID". */
const WRONG_LAST_ID = 10070;

/**
 * Tells NATS what the journal holds, in order and once. One connection is one attempt: whatever fails ends it, and the
 * next asks the streams what they already have before it goes on. The client's own reconnect is off, because it
 * would send what was queued behind a message that was lost.
 * @see docs/decisions/journal.md
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #source: string;
  readonly #stopping = new AbortController();
  #cursor: Cursor;
  #status: Omit<PublisherStatus, 'lag' | 'published'> = { state: 'connecting', lastError: undefined };
  #running: Promise<void> | undefined;
  #saving: Promise<void> | undefined;
  #saveTimer: NodeJS.Timeout | undefined;
  #backoffMs = BACKOFF_MS.first;

  /** @throws ConfigError when the address holds credentials. */
  static create(options: PublisherOptions): Publisher {
    if (options.url.includes('@')) {
      throw new ConfigError('nats.url', undefined, 'credentials do not belong in the address; give them as files');
    }
    return new Publisher(options);
  }

  private constructor(options: PublisherOptions) {
    this.#options = options;
    this.#source = `/sallyport/journals/${options.journal.id}`;
    const found = readCursor(options.journal.dir);
    const known = found?.journalId === options.journal.id && found.sequence <= options.journal.head.sequence;
    this.#cursor = known ? found : { journalId: options.journal.id, sequence: 0, hash: '', streams: {} };
  }

  /** Begins, and goes on until `stop`; never throws, never holds anybody up. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Waits for acknowledgements, 2 s at most, and notes how far it came. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#running, delay(DRAIN_MS + 500, undefined, { ref: false })]);
    clearTimeout(this.#saveTimer);
    await this.#saving;
    await this.#save();
  }

  status(): PublisherStatus {
    const published = this.#cursor.sequence;
    return { ...this.#status, published, lag: Math.max(0, this.#options.journal.head.sequence - published) };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let why: unknown;
      try {
        this.#tell('connecting', this.#status.lastError);
        await this.#attempt(signal);
      } catch (error) {
        why = error;
      }
      if (signal.aborted) break;
      this.#tell('down', plain(why));
      const waitMs = this.#backoffMs * (0.5 + Math.random() / 2);
      this.#backoffMs = Math.min(BACKOFF_MS.most, this.#backoffMs * 2);
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.#tell('down', this.#status.lastError);
  }

  #tell(state: PublisherStatus['state'], lastError: string | undefined): void {
    if (this.#status.state === state && this.#status.lastError === lastError) return;
    this.#status = { state, lastError };
    this.#options.onState?.(this.status());
  }

  async #attempt(stopping: AbortSignal): Promise<void> {
    const failure = new AbortController();
    const connection = await connect(await connectionOptions(this.#options));
    connection.closed().then((error) => failure.abort(error ?? new Error('NATS closed the connection')));
    this.#watch(connection, failure);
    try {
      const manager = await connection.jetstreamManager({ timeout: ACK_TIMEOUT_MS });
      const client = connection.jetstream({ timeout: ACK_TIMEOUT_MS });
      const lanes = lanesOf(this.#cursor);
      for (const lane of lanes) await this.#prepare(lane, manager, client);
      this.#tell('up', undefined);
      await this.#pump(client, lanes, failure, stopping);
    } finally {
      await connection.close();
    }
  }

  /** Refused permissions come as a word beside the stream of acknowledgements. */
  async #watch(connection: NatsConnection, failure: AbortController): Promise<void> {
    for await (const { type, data } of connection.status()) {
      if (type === 'error') failure.abort(new Error(`NATS refused: ${String(data)}`));
    }
  }

  async #prepare(lane: Lane, manager: JetStreamManager, client: JetStreamClient): Promise<void> {
    const { streams } = this.#options;
    const info = await manager.streams.info(lane.stream).catch((error: unknown) => {
      if (error instanceof NatsError && error.api_error?.code === 404) return undefined;
      throw error;
    });
    if (info === undefined) {
      await manager.streams.add({
        name: lane.stream,
        subjects: [lane.subjects],
        num_replicas: streams?.replicas ?? 1,
        max_age: nanos(streams?.maxAgeMs ?? 0),
        duplicate_window: nanos(Math.min(streams?.dedupeWindowMs ?? DEDUPE_WINDOW_MS, streams?.maxAgeMs || Infinity)),
        deny_delete: true,
        deny_purge: true,
      });
      lane.begin(0);
      return;
    }
    lane.begin(info.state.last_seq);
    if (info.state.messages > 0 && info.state.last_seq > lane.base) await this.#scan(lane, manager, client);
    await lane.confirm(this.#options.journal);
  }

  /** Asks the stream, by headers alone, which of our records behind the cursor it has. */
  async #scan(lane: Lane, manager: JetStreamManager, client: JetStreamClient): Promise<void> {
    const { name } = await manager.consumers.add(lane.stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: lane.base + 1,
      headers_only: true,
      mem_storage: true,
      inactive_threshold: nanos(30_000),
    });
    const consumer = await client.consumers.get(lane.stream, name);
    let { num_pending: left } = await consumer.info(true);
    while (left > 0) {
      const batch = await consumer.fetch({ max_messages: Math.min(left, SCAN_BATCH), expires: ACK_TIMEOUT_MS });
      let got = 0;
      for await (const message of batch) {
        const header = (key: string) => message.headers?.get(key) ?? '';
        const ours = header('ce-source') === this.#source;
        lane.saw(ours, Number(header('ce-sequence')), header('ce-hash'), header('ce-id'));
        left = message.info.pending;
        got += 1;
      }
      if (got === 0) throw new Error(`${lane.stream} did not tell what it has`);
    }
    await manager.consumers.delete(lane.stream, name);
  }

  async #pump(
    client: JetStreamClient,
    lanes: readonly Lane[],
    failure: AbortController,
    stopping: AbortSignal,
  ): Promise<void> {
    const flight = new Flight<Sent>(MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES, (sent) => this.#landed(sent, lanes));
    const signal = AbortSignal.any([stopping, failure.signal]);
    const records = this.#options.journal.read({ after: this.#cursor.sequence, follow: true, durable: true, signal });
    let outbox: (() => void)[] = [];
    const post = () => {
      const posted = outbox;
      outbox = [];
      if (!failure.signal.aborted) for (const send of posted) send();
    };
    for await (const record of records) {
      await flight.room(signal);
      if (signal.aborted) break;
      const sent = { record, sizeBytes: record.line.length, places: new Map<StreamName, number>() };
      const acknowledged = flight.add(sent);
      const send = () => this.#send(client, lanes, sent).then(acknowledged, (error: unknown) => failure.abort(error));
      // Sent together, the messages of one turn of the loop leave as one write to the socket.
      if (outbox.push(send) === 1) setImmediate(post);
    }
    await flight.landedAll(AbortSignal.any([failure.signal, AbortSignal.timeout(DRAIN_MS)]));
    if (failure.signal.aborted) throw failure.signal.reason;
  }

  /** Both streams of a record are asked before anything else is: the order within each is that of the calls. */
  async #send(client: JetStreamClient, lanes: readonly Lane[], { record, places }: Sent): Promise<void> {
    const message = messageOf(record, this.#source);
    await Promise.all(lanes.map((lane) => this.#sendTo(lane, client, message, record, places)));
  }

  async #sendTo(
    lane: Lane,
    client: JetStreamClient,
    message: Message,
    record: JournalRecord,
    places: Map<StreamName, number>,
  ): Promise<void> {
    const subject = lane.subjectOf(message);
    if (subject === undefined || lane.has(record)) return;
    const described = headers();
    for (const [key, value] of message.headers) described.set(key, value);
    const lastMsgID = lane.follow(message.id);
    const { seq } = await client.publish(subject, message.body, {
      msgID: message.id,
      headers: described,
      expect: { streamName: lane.stream, ...(lastMsgID === undefined ? {} : { lastMsgID }) },
    });
    places.set(lane.stream, seq);
  }

  #landed({ record, places }: Sent, lanes: readonly Lane[]): void {
    const streams = Object.fromEntries(
      lanes.map((lane) => [lane.stream, lane.behind(record, places.get(lane.stream))]),
    );
    this.#cursor = { journalId: this.#options.journal.id, sequence: record.sequence, hash: record.hash, streams };
    this.#backoffMs = BACKOFF_MS.first;
    this.#saveTimer ??= setTimeout(() => {
      this.#saveTimer = undefined;
      this.#saving = this.#save();
    }, CURSOR_INTERVAL_MS).unref();
  }

  /** A cursor that cannot be written is only an older cursor: the streams know the rest. */
  async #save(): Promise<void> {
    if (this.#cursor.sequence === 0) return;
    await writeCursor(this.#options.journal.dir, this.#cursor).catch(() => undefined);
  }
}

async function connectionOptions({ url, credentials, tls }: PublisherOptions): Promise<ConnectionOptions> {
  const { ca, cert, key } = tls ?? {};
  const insisted = tls !== undefined || /(^|,)\s*tls:/.test(url);
  return {
    servers: url.split(',').map((server) => server.trim()),
    name: 'sallyport gateway',
    reconnect: false,
    noAsyncTraces: true,
    ignoreClusterUpdates: true,
    timeout: 5_000,
    pingInterval: 10_000,
    maxPingOut: 2,
    ...(credentials === undefined ? {} : await proofOf(credentials)),
    ...(insisted
      ? {
          tls: {
            ...(ca === undefined ? {} : { caFile: ca }),
            ...(cert === undefined ? {} : { certFile: cert }),
            ...(key === undefined ? {} : { keyFile: key }),
          },
        }
      : {}),
  };
}

async function proofOf(credentials: NatsCredentials): Promise<ConnectionOptions> {
  if ('credsFile' in credentials) return { authenticator: credsAuthenticator(await readFile(credentials.credsFile)) };
  if ('nkeyFile' in credentials) {
    const seed = (await readFile(credentials.nkeyFile, 'latin1')).trim();
    return { authenticator: nkeyAuthenticator(Buffer.from(seed)) };
  }
  if ('tokenFile' in credentials) return { token: (await readFile(credentials.tokenFile, 'utf8')).trim() };
  return { user: credentials.user, pass: (await readFile(credentials.passwordFile, 'utf8')).trim() };
}

/** One sentence for a person; NATS's own codes are terse. */
function plain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof NatsError)) return error.message;
  if (error.api_error?.err_code === WRONG_LAST_ID) return 'another publisher writes to the stream; looking again';
  const known: Readonly<Record<string, string>> = {
    CONNECTION_REFUSED: 'NATS cannot be reached: the connection was refused',
    AUTHORIZATION_VIOLATION: 'NATS refused the credentials',
    MAX_PAYLOAD_EXCEEDED: 'an event is larger than NATS takes: set max_payload to 1MB or more there',
    TIMEOUT: 'NATS did not answer in time',
    '503': 'NATS has no JetStream, or nobody there takes the events now',
  };
  return known[error.code] ?? `NATS: ${error.message} (${error.code})`;
}

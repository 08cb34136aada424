import { createHash } from 'node:crypto';
import type { Connection, ProtocolName } from '@sallyport/shared/access/connection.ts';
import type { Visitor } from '../protocol.ts';
import { addressOf, type Client, rawRequest } from './client.ts';
import type { Dialect } from './dialect.ts';
import { problemJson, RequestProblem } from './problem.ts';
import { type ReadRequest, readRequest } from './request.ts';
import type { ByHost } from './route.ts';
import { sendProblem } from './send-problem.ts';
import { Visit } from './visit.ts';
import { Waiting } from './waiting.ts';

export interface FrontParts {
  readonly dialects: readonly Dialect[];
  /** The connection of that name, whoever asks. */
  readonly find: (name: string) => Connection | undefined;
  readonly byHost: ByHost;
  /** Admits and serves a visit, to its end. Never rejects. */
  readonly receive: (visitor: Visitor) => Promise<void>;
  /** Five minutes when absent. */
  readonly idleMs?: number;
  readonly log: (text: string, details?: Readonly<Record<string, unknown>>) => void;
}

/** Visits at once; beyond them nobody new is let in. */
const MAX_VISITS = 20_000;

/** Where requests of all HTTP connections arrive: reads them, and brings them to the session that they belong to. */
export class HttpFront {
  readonly #parts: FrontParts;
  /** By a digest of who and where: the token itself is not kept. */
  readonly #visits = new Map<string, Visit>();

  constructor(parts: FrontParts) {
    this.#parts = parts;
  }

  /** Never throws. */
  serve(client: Client): void {
    try {
      const read = readRequest(rawRequest(client), this.#parts.byHost);
      this.#bring(client, read);
    } catch (error) {
      this.#refuse(client, error);
    }
  }

  /** Takes no more requests. */
  stop(): void {
    for (const visit of this.#visits.values()) visit.close();
  }

  #bring(client: Client, read: ReadRequest): void {
    const { connection } = read.route;
    const dialect = this.#dialectOf(this.#parts.find(connection)?.protocol);
    const waiting = new Waiting(client, dialect, read);
    const address = addressOf(client);
    const key = keyOf(read, connection, address);
    if (this.#visits.get(key)?.add(waiting) === true) return;
    if (this.#visits.size >= MAX_VISITS) {
      return waiting.turnAway({ reason: 'unavailable', message: 'The gateway serves too many sessions right now.' });
    }
    const { user, secret } = read.credential;
    const isLoopback = address.startsWith('127.') || address === '::1';
    const visit = new Visit({
      protocol: dialect.protocol,
      connection,
      user,
      secret,
      origin: { address, loopback: isLoopback },
      application: read.userAgent,
      idleMs: this.#parts.idleMs ?? 5 * 60_000,
    });
    visit.add(waiting);
    this.#visits.set(key, visit);
    void this.#run(key, visit);
  }

  async #run(key: string, visit: Visit): Promise<void> {
    await this.#parts.receive(visit);
    if (this.#visits.get(key) === visit) this.#visits.delete(key);
    // Came in while it ended: for them a new visit would have begun a moment later.
    await visit.turnAway({ reason: 'unavailable', message: 'The session ended just now; ask again.' });
  }

  #dialectOf(protocol: ProtocolName | undefined): Dialect {
    const { dialects } = this.#parts;
    return (dialects.find((one) => one.protocol === protocol) ?? dialects[0]) as Dialect;
  }

  #refuse(client: Client, error: unknown): void {
    if (!(error instanceof RequestProblem)) this.#parts.log('a request failed by an error of the gateway', { error });
    const problem =
      error instanceof RequestProblem
        ? error.problem
        : { status: 500, title: 'Error', detail: 'The gateway met an error of its own.' };
    sendProblem(client, { answer: problemJson }, problem);
  }
}

function keyOf({ credential: { user, secret } }: ReadRequest, connection: string, address: string): string {
  return createHash('sha256')
    .update(JSON.stringify([user, secret, connection, address]))
    .digest('base64');
}

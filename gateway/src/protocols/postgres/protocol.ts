import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import {
  authenticationCleartextPassword,
  authenticationOk,
  authenticationSASL,
  authenticationSASLContinue,
  noticeResponse,
} from '@sallyport/shared/wire/postgres/backend.ts';
import {
  decodePasswordMessage,
  decodeSASLInitialResponse,
  decodeSASLResponse,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import { MAX_AUTH_MESSAGE_BYTES } from '@sallyport/shared/wire/postgres/limits.ts';
import { negotiateProtocolVersion } from '@sallyport/shared/wire/postgres/startup.ts';
import { Frontend } from '@sallyport/shared/wire/postgres/types.ts';
import type { Backing, Exchange, Greeting, Origin, Protocol, Visitor } from '../protocol.ts';
import { bearerFailure, bearerUser, kvsep, mechanism, readBearer } from './bearer.ts';
import { CancelKeys } from './cancellation.ts';
import { PostgresExchange } from './exchange.ts';
import { departure, type FirstPacket, openConnection, readChunk } from './handshake.ts';
import { denialResponse } from './refusal.ts';
import { routineQuestions } from './routines.ts';
import type { SqlReader } from './sql/reader.ts';
import { sortParameters } from './startup-parameters.ts';
import { type Known, SessionStatements } from './statements.ts';
import { catalogueQuestions, Surveys } from './survey.ts';

/** Type byte and length word. */
const HEADER_BYTES = 5;

/** The user name with which a client asks for a link to sign in with, in place of being asked for a password. */
const linkUser = 'browser';

/** For a client to take note that its token was refused. */
const FAREWELL_MS = 5_000;

/** The newest minor version of protocol 3 that is served; 3.1 was never used. */
const NEWEST_MINOR = 2;

type Startup = Extract<FirstPacket, { kind: 'StartupMessage' }>;

/**
 * The PostgreSQL protocol 3.0 and 3.2, as a server speaks it. `discovery`: the document with which clients that sign in by
 * OAuth find the way; without it they are asked for a password like others.
 */
export function postgresProtocol(tls: SecureContext, sql: SqlReader, discovery?: string): Protocol {
  const keys = new CancelKeys();
  const catalogues = new Surveys(catalogueQuestions(sql));
  const routines = new Surveys(routineQuestions);
  return {
    name: 'postgres',
    async greet(raw, origin, signal) {
      let socket = raw;
      try {
        const opened = await openConnection(raw, tls, signal);
        if (opened === undefined) return undefined;
        ({ socket } = opened);
        const { packet, encrypted } = opened;
        if (packet.kind === 'CancelRequest') {
          await keys.cancel(packet);
          socket.end();
          return undefined;
        }
        return visitor(socket, packet, encrypted, origin);
      } catch (error) {
        if (error instanceof WireError)
          socket.end(denialResponse({ reason: 'protocol', message: error.message }, 'FATAL'));
        else socket.destroy();
        throw error;
      }
    },
  };

  function visitor(socket: Duplex, packet: Startup, encrypted: boolean, origin: Origin): Visitor {
    if (!encrypted && !origin.loopback)
      throw unsupported('the connection is not encrypted; connect with sslmode=require');
    const sorted = sortParameters(packet.parameters);
    if ('refused' in sorted) throw unsupported(`${sorted.refused}. ${sorted.hint}`);
    negotiate(socket, packet);
    const greeting = greetingOf(packet, origin);
    const [, database] = splitDatabase(packet.parameters.get('database') ?? greeting.user);
    const settings = database === undefined ? sorted.settings : { ...sorted.settings, database };
    const minor = Math.min(packet.minor, NEWEST_MINOR);
    const bearer = greeting.user === bearerUser ? discovery : undefined;
    return new PostgresVisitor(greeting, socket, bearer, async (backing, accepted) => {
      const known: Known = {
        catalogue: backing.veil === undefined ? undefined : await catalogues.of(backing, database),
        routines: backing.judgesEffects ? await routines.of(backing, database) : undefined,
      };
      const statements = new SessionStatements(sql, backing, settings, known, () => {
        catalogues.disturb(backing, database);
        routines.disturb(backing, database);
      });
      return new PostgresExchange({ client: socket, settings, minor, keys, accepted }, statements);
    });
  }
}

class PostgresVisitor implements Visitor {
  readonly greeting: Greeting;
  readonly #socket: Duplex;
  /** Where a client that signs in by OAuth gets a token; undefined: it is asked for a password. */
  readonly #discovery: string | undefined;
  readonly #exchange: (backing: Backing, accepted: boolean) => Promise<Exchange>;
  /** AuthenticationOk was sent: notices may follow it, not precede it. */
  #accepted = false;

  constructor(
    greeting: Greeting,
    socket: Duplex,
    discovery: string | undefined,
    exchange: (backing: Backing, accepted: boolean) => Promise<Exchange>,
  ) {
    this.greeting = greeting;
    this.#socket = socket;
    this.#discovery = discovery;
    this.#exchange = exchange;
  }

  async askSecret(signal: AbortSignal): Promise<string | undefined> {
    if (this.#discovery !== undefined) return this.#askBearer(this.#discovery, signal);
    this.#socket.write(authenticationCleartextPassword());
    const answer = await this.#response(signal);
    return answer && decodePasswordMessage(answer, 0, answer.length);
  }

  /** @see RFC 7628, 3; PostgreSQL manual, 53.3.2 */
  async #askBearer(discovery: string, signal: AbortSignal): Promise<string | undefined> {
    this.#socket.write(authenticationSASL([mechanism]));
    const answer = await this.#response(signal);
    if (answer === undefined) return undefined;
    const first = decodeSASLInitialResponse(answer, 0, answer.length);
    if (first.mechanism !== mechanism) {
      throw new WireError(
        'ERR_WIRE_UNEXPECTED',
        `the client chose ${first.mechanism.slice(0, 64)}, which was not offered`,
      );
    }
    const token = readBearer(first.data);
    if (token !== undefined) return token;
    // It comes back with a token on a new connection.
    await this.#refuseBearer(discovery, signal);
    this.#socket.end(denialResponse({ reason: 'unauthenticated', message: 'a token is needed' }, 'FATAL'));
    return undefined;
  }

  async #refuseBearer(discovery: string, signal: AbortSignal): Promise<void> {
    this.#socket.write(authenticationSASLContinue(bearerFailure(discovery)));
    const answer = await this.#response(signal);
    if (answer === undefined) return;
    const said = decodeSASLResponse(answer, 0, answer.length);
    if (said.length !== 1 || said[0] !== kvsep) {
      throw new WireError('ERR_WIRE_UNEXPECTED', 'the client did not take note that its token was refused');
    }
  }

  /** A whole PasswordMessage, SASLInitialResponse or SASLResponse; undefined when the client left. */
  async #response(signal: AbortSignal): Promise<Buffer | undefined> {
    let bytes: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await readChunk(this.#socket, signal);
      if (chunk === undefined) return undefined;
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < HEADER_BYTES) continue;
      const end = 1 + bytes.readInt32BE(1);
      if (bytes[0] !== Frontend.PasswordMessage || end < HEADER_BYTES || end > MAX_AUTH_MESSAGE_BYTES) {
        throw new WireError('ERR_WIRE_UNEXPECTED', 'a password was asked for, something else was sent');
      }
      if (bytes.length < end) continue;
      if (bytes.length > end) this.#socket.unshift(bytes.subarray(end));
      return bytes.subarray(0, end);
    }
  }

  tell(text: string, hint: string): void {
    if (!this.#accepted) this.#socket.write(authenticationOk());
    this.#accepted = true;
    this.#socket.write(noticeResponse({ severity: 'NOTICE', code: '00000', message: text, hint }));
  }

  gone(signal: AbortSignal): Promise<void> {
    return departure(this.#socket, signal);
  }

  async *welcome(backing: Backing): AsyncIterable<Exchange> {
    yield await this.#exchange(backing, this.#accepted);
  }

  async turnAway(denial: Denial): Promise<void> {
    if (this.#discovery !== undefined && !this.#accepted && denial.reason === 'unauthenticated') {
      await this.#refuseBearer(this.#discovery, AbortSignal.timeout(FAREWELL_MS)).catch(() => undefined);
    }
    this.#socket.end(denialResponse(denial, 'FATAL'));
  }
}

/** Tells a client that asked for more what there is (PostgreSQL manual, 54.2.1). */
function negotiate(socket: Duplex, { minor, parameters }: Startup): void {
  const options = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
  if (minor > NEWEST_MINOR || options.length > 0) {
    socket.write(negotiateProtocolVersion(Math.min(minor, NEWEST_MINOR), options));
  }
}

function greetingOf({ parameters }: Startup, origin: Origin): Greeting {
  const user = parameters.get('user');
  if (user === undefined || user === '') throw unsupported('no user was named');
  const [connection] = splitDatabase(parameters.get('database') ?? user);
  const application = parameters.get('application_name') ?? parameters.get('fallback_application_name');
  return { protocol: 'postgres', user, connection, origin, application, wantsLink: user === linkUser };
}

/** `prod-db/other` is the database `other` of the connection `prod-db`. */
function splitDatabase(name: string): [connection: string, database: string | undefined] {
  const slash = name.indexOf('/');
  return slash < 0 ? [name, undefined] : [name.slice(0, slash), name.slice(slash + 1)];
}

const unsupported = (message: string) => new WireError('ERR_WIRE_UNSUPPORTED', message);

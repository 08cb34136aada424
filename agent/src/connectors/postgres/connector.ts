import type { LookupFunction, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { issuesLogins, type RoleIssuer, type Target } from '@sallyport/shared/access/connection.ts';
import { Unavailable, WireError } from '@sallyport/shared/errors/errors.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import { cancelRequest } from '@sallyport/shared/wire/postgres/startup.ts';
import { Boundary, type CheckedTarget } from '../../boundary/boundary.ts';
import { issuedLogin } from '../../credentials/issued-login.ts';
import { Leases, type Share } from '../../credentials/leases.ts';
import type { CredentialResolver } from '../../credentials/resolver.ts';
import type { Connector } from '../connector.ts';
import { dial } from './dial.ts';
import { authFailed, refusal, socketReason, TargetRefusal, TlsFailure, unreachable } from './failure.ts';
import { type Login, type LoginOptions, logIn } from './login.ts';
import { PostgresRoles } from './roles/issuer.ts';
import { secure } from './secure.ts';
import { PostgresSession } from './session.ts';
import { streamOf } from './socket-stream.ts';

export interface PostgresConnectorOptions {
  /** From the DNS question to ReadyForQuery, each attempt of `allow` and `prefer` included. Default 15 s. */
  readonly timeoutMs?: number;
  /** 2 asks for protocol 3.2. Default 0: protocol 3.0. */
  readonly minor?: 0 | 2;
  /** Where logins that are made for one session are kept. */
  readonly leases?: Leases;
  /** Where the agent connects at all; private networks where absent. */
  readonly boundary?: Pick<Boundary, 'checkTarget'>;
}

type Encryption = 'none' | 'optional' | 'required';

interface Reached {
  readonly socket: Socket;
  readonly login: Login;
}

/**
 * PostgreSQL, protocol 3. TLS modes as libpq's, with one difference: `allow` and `prefer` try again the other way only when
 * the server refused before a password was sent. A cleartext password goes out over TLS, or when tls is `disable`.
 */
export function postgresConnector(resolver: CredentialResolver, options: PostgresConnectorOptions = {}): Connector {
  const { timeoutMs = 15_000, minor = 0, leases = new Leases(), boundary = new Boundary(undefined) } = options;
  const roles = new PostgresRoles((opening, issuer) => inquire(issuingOpening(opening, issuer)));
  return { protocol: 'postgres', open };

  async function open(opening: Opening, signal: AbortSignal): Promise<PostgresSession> {
    const share = await shareOf(opening);
    try {
      signal.throwIfAborted();
      const reached = await reach(share === undefined ? opening : sharedOpening(opening, share), signal);
      if (share !== undefined) reached.socket.once('close', share.release);
      return sessionOf(opening, reached);
    } catch (error) {
      share?.release();
      throw error;
    }
  }

  /** The login of the session's own, where the connection is to have one. */
  async function shareOf(opening: Opening): Promise<Share | undefined> {
    const { credential, session, target, settings } = opening;
    if (!issuesLogins(credential)) return undefined;
    const key = JSON.stringify([session, target.host, target.port, settings['database'] ?? target.database]);
    const issuer = credential.postgresRole;
    return leases.share(key, () =>
      issuer === undefined ? issuedLogin(resolver, opening) : roles.issue(opening, issuer),
    );
  }

  async function inquire(opening: Opening): Promise<Inquiry> {
    const { socket, login } = await reach(opening, new AbortController().signal);
    return new Inquiry(streamOf(socket, login.rest));
  }

  /** Connects and logs in with the opening's username and password. */
  async function reach(opening: Opening, signal: AbortSignal): Promise<Reached> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const [first, second] = attempts(opening.target);
    const { host, port } = opening.target;
    const place = await unlessAborted(boundary.checkTarget(host, port), deadline).catch((error) => {
      throw explained(error, opening, timeoutMs);
    });
    try {
      return await attempt(opening, place, first, deadline);
    } catch (error) {
      if (second === undefined || !invitesAnother(error)) throw explained(error, opening, timeoutMs);
    }
    return await attempt(opening, place, second, deadline).catch((error) => {
      throw explained(error, opening, timeoutMs);
    });
  }

  async function attempt(
    opening: Opening,
    place: CheckedTarget,
    encryption: Encryption,
    signal: AbortSignal,
  ): Promise<Reached> {
    const { target } = opening;
    const { socket, release } = await establish(target, place.host, encryption, signal, place.lookup);
    try {
      const login = await logIn(socket, loginOptions(opening, socket instanceof TLSSocket, signal));
      release();
      return { socket, login };
    } catch (error) {
      release();
      socket.destroy();
      throw error;
    }
  }

  function sessionOf(opening: Opening, { socket, login }: Reached): PostgresSession {
    const { target } = opening;
    const address = socket.remoteAddress ?? target.host;
    const again: Encryption = socket instanceof TLSSocket ? 'required' : 'none';
    const { key } = login;
    return new PostgresSession(socket, target, login, async (cancelSignal) => {
      if (key === undefined) throw unreachable(target, 'it gave no key to cancel with');
      const limited = AbortSignal.any([cancelSignal, AbortSignal.timeout(timeoutMs)]);
      await cancel(target, address, again, cancelRequest(key.processId, key.secretKey), limited).catch((error) => {
        throw explained(error, opening, timeoutMs);
      });
    });
  }

  function loginOptions(opening: Opening, isTls: boolean, signal: AbortSignal): LoginOptions {
    const { target, credential, settings } = opening;
    const { user: _, database = target.database, ...others } = settings;
    const parameters = Object.entries({
      user: credential.username,
      ...(database === undefined ? {} : { database }),
      ...others,
    });
    return {
      username: credential.username,
      parameters,
      minor,
      maySendCleartext: isTls || target.tls === 'disable',
      async password() {
        if (credential.password !== undefined) return await resolver.resolve(credential.password, signal);
        throw authFailed(
          target,
          credential.username,
          'it asks for a password and the connection’s credential has none',
        );
      },
    };
  }
}

/** The DNS cannot be told to stop. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

function sharedOpening(opening: Opening, { username, password }: Share): Opening {
  const credential = { username, ...(password === undefined ? {} : { password: `literal:${password}` }) };
  return { ...opening, credential };
}

/** As the issuing role, in the session's database; nothing of what the client wished for applies. */
function issuingOpening(opening: Opening, { username, password }: RoleIssuer): Opening {
  const { database } = opening.settings;
  return {
    ...opening,
    credential: { username, ...(password === undefined ? {} : { password }) },
    settings: { ...(database === undefined ? {} : { database }), application_name: 'sallyport' },
  };
}

function attempts(target: Target): readonly [Encryption, Encryption?] {
  if (target.tls === 'disable') return ['none'];
  if (target.tls === 'allow') return ['none', 'required'];
  return target.tls === 'prefer' ? ['optional', 'none'] : ['required'];
}

function invitesAnother(error: unknown): boolean {
  return error instanceof TlsFailure || (error instanceof TargetRefusal && error.isBeforeSecret);
}

async function establish(
  target: Target,
  host: string,
  encryption: Encryption,
  signal: AbortSignal,
  lookup?: LookupFunction,
): Promise<{ socket: Socket; release: () => void }> {
  const { socket, release } = await dial(host, target.port, signal, lookup);
  if (encryption === 'none') return { socket, release };
  try {
    const secured = await secure(socket, target);
    if (secured === undefined && encryption === 'required')
      throw new TlsFailure('the server has no TLS; turn it on there');
    return { socket: secured ?? socket, release };
  } catch (error) {
    release();
    socket.destroy();
    throw error;
  }
}

async function cancel(
  target: Target,
  address: string,
  encryption: Encryption,
  request: Buffer,
  signal: AbortSignal,
): Promise<void> {
  // The address is the one that was checked when the session was opened.
  const { socket, release } = await establish(target, address, encryption, signal);
  try {
    await new Promise<void>((resolve) => {
      socket.once('end', resolve).once('close', resolve);
      socket.write(request);
      socket.resume();
    });
    signal.throwIfAborted();
  } finally {
    release();
    socket.destroy();
  }
}

function explained(error: unknown, { target, credential }: Opening, timeoutMs: number): Error {
  if (error instanceof Unavailable) return error;
  if (error instanceof TargetRefusal) return refusal(target, credential.username, error);
  if (error instanceof TlsFailure) return unreachable(target, error.message, error);
  if (error instanceof WireError) {
    const why = error.message.replace(/\.$/, '');
    return error.code === 'ERR_WIRE_MALFORMED'
      ? unreachable(target, why, error)
      : authFailed(target, credential.username, why, error);
  }
  if (!(error instanceof Error)) return unreachable(target, 'it failed without a reason', error);
  if (error.name === 'TimeoutError') {
    return unreachable(target, `no login within ${timeoutMs} ms; check the address and the firewall`, error);
  }
  return unreachable(target, error.name === 'AbortError' ? 'the attempt was given up' : socketReason(error), error);
}

import type { Duplex } from 'node:stream';
import type { CredentialReference } from '@sallyport/shared/access/connection.ts';
import type { SshHop, SshLogin } from '@sallyport/shared/access/ssh.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { algorithms, hostKeyAlgorithms } from '@sallyport/shared/wire/ssh/algorithms.ts';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import type { Boundary } from '../../boundary/boundary.ts';
import type { CredentialResolver } from '../../credentials/resolver.ts';
import { issueCertificate, placeholderKey, proveByCertificate } from './certificate.ts';
import { dial } from './dial.ts';
import { judgeHostKey } from './host-key.ts';

/** From the first byte to a login, for each host on the way. */
const READY_MS = 20_000;
const KEEPALIVE = { keepaliveInterval: 20_000, keepaliveCountMax: 3 };

interface Place extends Omit<SshHop, 'credential'> {
  readonly login: SshLogin;
  /** What the target's log says beside a login by certificate. */
  readonly keyId: string;
}

/** A login at the target, through all hosts before it. Closing it closes them. */
export interface SshConnection {
  readonly client: Client;
  /** Called once, also where a host on the way was lost. */
  onClose(listener: () => void): void;
  close(): void;
}

/** @throws Unavailable ERR_TARGET_UNREACHABLE, ERR_TARGET_AUTH, ERR_CREDENTIAL_UNRESOLVED: which host, and why */
export async function logIn(
  { target, credential, session, connection }: Pick<Opening, 'target' | 'credential' | 'session' | 'connection'>,
  secrets: Pick<CredentialResolver, 'resolve'>,
  boundary: Pick<Boundary, 'checkTarget'>,
  signal: AbortSignal,
): Promise<SshConnection> {
  const { hostKeys = [], knownHosts, jump = [] } = target.ssh ?? {};
  const login: SshLogin = { ...credential.ssh, username: credential.username, ...passwordOf(credential) };
  const known = knownHosts === undefined ? {} : { knownHosts };
  const keyId = `sallyport:${connection}:${session}`;
  const places: Place[] = [
    ...jump.map(({ credential: own = login, ...hop }) => ({ ...hop, login: own, keyId })),
    { host: target.host, port: target.port, hostKeys, ...known, login, keyId },
  ];
  const clients: Client[] = [];
  const close = (): void => {
    for (const client of clients.toReversed()) client.destroy();
  };
  try {
    let last: Client | undefined;
    for (const place of places) {
      // Behind the first host it is that host, not the agent, that connects.
      const socket: Duplex = await (last === undefined ? directly(place, boundary, signal) : through(last, place));
      last = await connect(place, socket, secrets, signal);
      clients.push(last);
    }
    return { client: last as Client, close, onClose: (listener) => onFirstClose(clients, listener) };
  } catch (error) {
    close();
    throw error;
  }
}

const passwordOf = ({ password }: CredentialReference) => (password === undefined ? {} : { password });

function onFirstClose(clients: readonly Client[], listener: () => void): void {
  let isTold = false;
  for (const client of clients) {
    client.once('close', () => {
      if (isTold) return;
      isTold = true;
      for (const each of clients) each.destroy();
      listener();
    });
  }
}

async function directly(
  { host, port }: Place,
  boundary: Pick<Boundary, 'checkTarget'>,
  signal: AbortSignal,
): Promise<Duplex> {
  try {
    const late = AbortSignal.any([signal, AbortSignal.timeout(READY_MS)]);
    return await dial(await boundary.checkTarget(host, port), late);
  } catch (error) {
    if (error instanceof Unavailable || signal.aborted) throw error;
    throw unreachable({ host, port }, plain(error as Error));
  }
}

function through(client: Client, { host, port }: Place): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      if (error === undefined) resolve(channel);
      else reject(unreachable({ host, port }, `the host before it does not let us through: ${error.message}`));
    });
  });
}

async function connect(
  place: Place,
  socket: Duplex,
  secrets: Pick<CredentialResolver, 'resolve'>,
  signal: AbortSignal,
): Promise<Client> {
  const proof = await proofOf(place, secrets, signal);
  const client = new ssh2.Client();
  let denied: string | undefined;
  const { password, certificate, ...keys } = proof;
  const config: ConnectConfig = {
    sock: socket as never,
    ...keys,
    ...(password === undefined ? {} : { password }),
    ...KEEPALIVE,
    username: place.login.username,
    readyTimeout: READY_MS,
    algorithms: {
      kex: [...algorithms.kex],
      cipher: [...algorithms.cipher],
      hmac: [...algorithms.hmac],
      compress: [...algorithms.compress],
      serverHostKey: [...hostKeyAlgorithms],
    },
    hostVerifier: (key: Buffer) => {
      const judged = judgeHostKey(key, place);
      if (!judged.isKnown) denied = judged.why;
      return judged.isKnown;
    },
  };
  const failure = (error: Error & { level?: string }): Unavailable => {
    if (denied !== undefined) return unreachable(place, denied);
    if (error.level !== 'client-authentication') return unreachable(place, plain(error));
    const { host, username } = { host: place.host, username: place.login.username };
    return new Unavailable(
      'target',
      'ERR_TARGET_AUTH',
      `${host} does not let ${username} in with ${offered(place.login)}.`,
    );
  };
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      client.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    client.once('ready', () => {
      signal.removeEventListener('abort', giveUp);
      client.removeAllListeners('error');
      // A login that breaks later is told of by its close.
      client.on('error', () => undefined);
      client.setNoDelay();
      resolve(client);
    });
    client.once('error', (error) => {
      signal.removeEventListener('abort', giveUp);
      client.on('error', () => undefined);
      client.destroy();
      reject(failure(error));
    });
    client.on('keyboard-interactive', (_, __, ___, prompts, answer) => {
      answer(prompts.map((prompt) => (prompt.echo === true ? '' : (password ?? ''))));
    });
    if (signal.aborted) giveUp();
    else {
      client.connect(config);
      if (certificate !== undefined) proveByCertificate(client, certificate);
    }
  });
}

async function proofOf({ login, keyId }: Place, secrets: Pick<CredentialResolver, 'resolve'>, signal: AbortSignal) {
  const { privateKey, passphrase, password, certificateAuthority } = login;
  const none = { password: undefined, certificate: undefined };
  if (certificateAuthority !== undefined) {
    const authority = await secrets.resolve(certificateAuthority, signal);
    const phrase = passphrase === undefined ? undefined : await secrets.resolve(passphrase, signal);
    const certificate = issueCertificate({ authority, passphrase: phrase, username: login.username, keyId });
    if (certificate === undefined)
      throw unusable(login, 'the key of its certificateAuthority is no Ed25519 key, or its passphrase is wrong');
    return { ...none, certificate, privateKey: placeholderKey(), authHandler: ['publickey' as const] };
  }
  if (privateKey !== undefined) {
    const key = await secrets.resolve(privateKey, signal);
    const phrase = passphrase === undefined ? undefined : await secrets.resolve(passphrase, signal);
    const parsed = ssh2.utils.parseKey(key, phrase);
    if (parsed instanceof Error)
      throw unusable(login, 'its private key cannot be read: the passphrase may be missing or wrong');
    return {
      ...none,
      privateKey: key,
      ...(phrase === undefined ? {} : { passphrase: phrase }),
      authHandler: ['publickey' as const],
    };
  }
  if (password === undefined)
    throw unusable(login, 'it has neither a password nor a privateKey nor a certificateAuthority');
  const resolved = await secrets.resolve(password, signal);
  return {
    ...none,
    password: resolved,
    tryKeyboard: true,
    authHandler: ['password' as const, 'keyboard-interactive' as const],
  };
}

const offered = ({ privateKey, certificateAuthority }: SshLogin): string => {
  if (certificateAuthority !== undefined) return 'a certificate of the authority';
  return privateKey === undefined ? 'the password' : 'the private key';
};

const unusable = ({ username }: SshLogin, why: string): Unavailable =>
  new Unavailable('credentials', 'ERR_CREDENTIAL_UNRESOLVED', `The credential of ${username} cannot be used: ${why}.`);

export const unreachable = ({ host, port }: Pick<Place, 'host' | 'port'>, why: string): Unavailable =>
  new Unavailable('target', 'ERR_TARGET_UNREACHABLE', `${host}:${port} ${why}.`);

/** What sockets and the library say, for people. */
function plain(error: Error & { code?: unknown }): string {
  const codes: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'refuses connections',
    ENOTFOUND: 'is no host that is known',
    EHOSTUNREACH: 'cannot be reached',
    ETIMEDOUT: 'does not answer',
  };
  const known = typeof error.code === 'string' ? codes[error.code] : undefined;
  if (known !== undefined) return known;
  if (/Timed out/.test(error.message)) return 'does not answer';
  if (/no matching/.test(error.message)) return `speaks no algorithm that is safe (${error.message})`;
  return `does not speak SSH as it should (${error.message.slice(0, 200)})`;
}

import type { Duplex } from 'node:stream';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import { algorithms } from '@sallyport/shared/wire/ssh/algorithms.ts';
import ssh2, { type Connection } from 'ssh2';
import type { Origin, Protocol, Visitor } from '../protocol.ts';
import { Authentication } from './authentication/authentication.ts';
import { readLoginName } from './login-name.ts';
import { SshVisitor } from './visitor.ts';

export interface SshOptions {
  /** Private keys in OpenSSH's form, one of each kind. */
  readonly hostKeys: readonly string[];
  /** The blob of the public key that signs people's certificates. */
  readonly authority: Buffer;
}

/** A client that says nothing is looked for. */
const KEEPALIVE = { keepaliveInterval: 30_000, keepaliveCountMax: 3 };

/** SSH for stock clients: who they are says a key, a certificate, a token, or a browser; where they go, the login name. */
export function sshProtocol({ hostKeys, authority }: SshOptions): Protocol {
  const arrivals = new WeakMap<object, (client: Connection) => void>();
  const server = new ssh2.Server({
    hostKeys: [...hostKeys],
    ident: 'Sallyport',
    algorithms: {
      kex: [...algorithms.kex],
      cipher: [...algorithms.cipher],
      hmac: [...algorithms.hmac],
      compress: [...algorithms.compress],
    },
    ...KEEPALIVE,
  });
  server.on('connection', (client) => {
    // Also of no effect on what others see: a broken connection is told of by its close.
    client.on('error', () => undefined);
    arrivals.get((client as unknown as { _sock: object })._sock)?.(client);
  });
  return {
    name: 'ssh',
    greet: (socket, origin, signal) => greet({ server, arrivals, authority }, socket, origin, signal),
  };
}

interface Door {
  readonly server: ssh2.Server;
  readonly arrivals: WeakMap<object, (client: Connection) => void>;
  readonly authority: Buffer;
}

async function greet(
  { server, arrivals, authority }: Door,
  socket: Duplex,
  origin: Origin,
  signal: AbortSignal,
): Promise<Visitor | undefined> {
  const late = new Promise<never>((_, reject) =>
    signal.addEventListener(
      'abort',
      () => {
        socket.destroy();
        reject(signal.reason as Error);
      },
      { once: true },
    ),
  );
  const arrived = new Promise<Connection | undefined>((resolve, reject) => {
    arrivals.set(socket, resolve);
    socket.once('close', () => resolve(undefined));
    socket.once('error', () => resolve(undefined));
    socket.once('end', () => reject(new WireError('ERR_WIRE_UNEXPECTED', 'The client left without a word of SSH.')));
  });
  arrived.catch(() => undefined);
  server.injectSocket(socket as never);
  const client = await Promise.race([arrived, late]);
  if (client === undefined) return undefined;
  const signIn = new Authentication(client, { authority });
  const name = await Promise.race([signIn.user, late]);
  late.catch(() => undefined);
  if (name === undefined) return undefined;
  const { user, connection } = readLoginName(name);
  return new SshVisitor(client, signIn, { protocol: 'ssh', user, connection, origin, application: undefined });
}

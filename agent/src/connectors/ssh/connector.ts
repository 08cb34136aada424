import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import { Boundary } from '../../boundary/boundary.ts';
import type { CredentialResolver } from '../../credentials/resolver.ts';
import type { Connector, TargetSession } from '../connector.ts';
import { TargetChannel } from './channel.ts';
import { logIn, type SshConnection } from './login.ts';

/** A login without channels is kept so long for the session's next one. */
const LINGER_MS = 5_000;

/** One login of one session; its channels share it. */
interface Shared {
  readonly login: Promise<SshConnection>;
  users: number;
  lingering: NodeJS.Timeout | undefined;
}

export interface SshConnectorOptions {
  /** Where the agent connects at all; private networks where absent. */
  readonly boundary?: Pick<Boundary, 'checkTarget'>;
}

/** Logs in to SSH servers. The channels of one session go over one login. */
export function sshConnector(
  secrets: Pick<CredentialResolver, 'resolve'>,
  { boundary = new Boundary(undefined) }: SshConnectorOptions = {},
): Connector {
  const shared = new Map<string, Shared>();

  function take(key: string, opening: Opening, signal: AbortSignal): Shared {
    const known = shared.get(key);
    if (known !== undefined) {
      known.users += 1;
      clearTimeout(known.lingering);
      return known;
    }
    // Others may wait for it by the time the first gives up.
    const giveUp = new AbortController();
    const made: Shared = {
      login: logIn(opening, secrets, boundary, giveUp.signal),
      users: 1,
      lingering: undefined,
    };
    shared.set(key, made);
    signal.addEventListener('abort', () => made.users === 1 && giveUp.abort(signal.reason), { once: true });
    made.login.then(
      (login) => login.onClose(() => forget(key, made)),
      () => forget(key, made),
    );
    return made;
  }

  function forget(key: string, one: Shared): void {
    if (shared.get(key) === one) shared.delete(key);
  }

  function leave(key: string, one: Shared): void {
    one.users -= 1;
    if (one.users > 0) return;
    one.lingering = setTimeout(() => {
      forget(key, one);
      one.login.then(
        (login) => login.close(),
        () => undefined,
      );
    }, LINGER_MS);
    one.lingering.unref();
  }

  return {
    protocol: 'ssh',
    async open(opening, signal) {
      const key = JSON.stringify([opening.session, opening.target, opening.credential]);
      const one = take(key, opening, signal);
      try {
        const { client } = await one.login;
        return new SshSession(
          (stream) => new TargetChannel(client, stream),
          () => leave(key, one),
        );
      } catch (error) {
        leave(key, one);
        throw error;
      }
    },
  };
}

class SshSession implements TargetSession {
  readonly greeting = {};
  readonly #join: (stream: TunnelStream) => TargetChannel;
  readonly #leave: () => void;
  #channel: TargetChannel | undefined;
  #hasLeft = false;

  constructor(join: (stream: TunnelStream) => TargetChannel, leave: () => void) {
    this.#join = join;
    this.#leave = leave;
  }

  relay(stream: TunnelStream): void {
    const channel = this.#join({
      attach: (handlers) =>
        stream.attach({
          ...handlers,
          onClose: (error) => {
            handlers.onClose(error);
            this.close();
          },
        }),
      write: (bytes) => stream.write(bytes),
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      destroy: (error) => stream.destroy(error),
    });
    this.#channel = channel;
  }

  /** There is nothing that runs but the channel itself. */
  async cancel(): Promise<void> {}

  close(): void {
    this.#channel?.close();
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#leave();
  }
}

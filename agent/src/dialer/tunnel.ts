import { sign, X509Certificate } from 'node:crypto';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Entry, Open } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import { issuesLogins } from '@sallyport/shared/access/connection.ts';
import { Unavailable, WireError } from '@sallyport/shared/errors/errors.ts';
import { fingerprintOf, proofContext } from '@sallyport/shared/tunnel/identity.ts';
import { leaseMessage } from '@sallyport/shared/tunnel/leases.ts';
import { Multiplexer, type Peer } from '@sallyport/shared/tunnel/multiplexer.ts';
import type { Connector, TargetSession } from '../connectors/connector.ts';
import type { LeaseNotice, Leases } from '../credentials/leases.ts';
import type { Identity } from './identity.ts';
import { openingOf } from './opening.ts';

/** Exchanges and openings of one tunnel at once; beyond it the gateway is told no. */
const MAX_EXCHANGES = 20_000;

export interface TunnelParts {
  readonly identity: Identity;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly connectors: readonly Connector[];
  readonly leases: Pick<Leases, 'open' | 'onNotice'>;
  readonly onUp: () => void;
  /** `error` is undefined after a clean end. */
  readonly onLost: (error: Error | undefined) => void;
}

/** The agent's end of one tunnel: it does what the gateway opens, and nothing that it did not. */
export class AgentTunnel implements Peer {
  readonly #parts: TunnelParts;
  readonly #mux: Multiplexer;
  readonly #openings = new Map<number, AbortController>();
  readonly #sessions = new Map<number, TargetSession>();
  /** Ids of sessions of this gateway's that may hold a lease. */
  readonly #leasing = new Set<string>();
  readonly #unlisten: () => void;
  #lastId = 0;
  #stage: 'challenge' | 'welcome' | 'up' | 'closed' = 'challenge';
  #idle: (() => void) | undefined;

  constructor(call: ClientDuplexStream<Buffer, Buffer>, parts: TunnelParts) {
    this.#parts = parts;
    this.#mux = new Multiplexer(
      {
        write: (packet, done) => void call.write(packet, done),
        close: (error) => (error === undefined ? call.end() : call.cancel()),
      },
      this,
    );
    call.on('data', (packet: Buffer) => this.#mux.receive(packet));
    call.on('end', () => this.#mux.close(undefined));
    call.on('error', (error: Error) =>
      this.#mux.close(new Error((error as { details?: string }).details ?? error.message)),
    );
    const { identity, version, labels, leases } = parts;
    this.#unlisten = leases.onNotice((notice) => this.#tellLease(notice));
    this.#mux.send(0, { case: 'hello', value: { name: identity.name, version, labels } });
  }

  get size(): number {
    return this.#mux.size + this.#openings.size;
  }

  /** Asks for no more exchanges; resolves when the last has ended, or after `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    if (this.#stage !== 'up') return;
    this.#mux.send(0, { case: 'drain', value: {} });
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, limitMs);
      this.#idle = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  close(error?: Error): void {
    this.#mux.close(error);
  }

  known(id: number): boolean {
    return this.#stage === 'up' && id >= 1 && id <= this.#lastId;
  }

  onControl(id: number, kind: Entry['kind']): void {
    if (id === 0) return this.#own(kind);
    if (this.#stage !== 'up') throw new WireError('ERR_WIRE_UNEXPECTED', 'The gateway opens before it has welcomed.');
    if (kind.case === 'open') return this.#open(id, kind.value);
    if (!this.known(id)) throw new WireError('ERR_WIRE_UNEXPECTED', `Exchange ${id} was never opened.`);
    if (kind.case === 'reset') this.#openings.get(id)?.abort(new Error('the session was given up'));
    else if (kind.case === 'cancel') this.#cancel(id);
    else throw new WireError('ERR_WIRE_UNEXPECTED', `A gateway does not send ${kind.case}.`);
  }

  onForgotten(id: number): void {
    this.#sessions.delete(id);
    if (this.size === 0) this.#idle?.();
  }

  onClose(error: Error | undefined): void {
    this.#stage = 'closed';
    this.#unlisten();
    for (const opening of this.#openings.values()) opening.abort(new Error('the tunnel was lost'));
    this.#idle?.();
    this.#parts.onLost(error);
  }

  #own(kind: Entry['kind']): void {
    if (kind.case === 'challenge' && this.#stage === 'challenge') {
      const { name, key, ca } = this.#parts.identity;
      const fingerprint = fingerprintOf(new X509Certificate(ca).raw);
      const signature = sign(null, proofContext(name, kind.value.nonce, fingerprint), key);
      this.#stage = 'welcome';
      this.#mux.send(0, { case: 'proof', value: { signature } });
    } else if (kind.case === 'welcome' && this.#stage === 'welcome') {
      this.#stage = 'up';
      this.#tellOpenLeases();
      this.#parts.onUp();
    } else if (kind.case !== 'drain') {
      throw new WireError('ERR_WIRE_UNEXPECTED', `Nobody waits for ${kind.case} now.`);
    }
  }

  #open(id: number, open: Open): void {
    if (id <= this.#lastId) throw new WireError('ERR_WIRE_UNEXPECTED', `Exchange ${id} was opened before.`);
    this.#lastId = id;
    if (this.size >= MAX_EXCHANGES)
      return this.#refuse(id, 'ERR_TARGET_UNREACHABLE', 'The agent has too many exchanges open.');
    const connector = this.#parts.connectors.find(({ protocol }) => protocol === open.protocol);
    if (connector === undefined || open.target === undefined || open.credential === undefined) {
      return this.#refuse(id, 'ERR_TARGET_UNREACHABLE', `This agent cannot speak ${open.protocol}: a newer one may.`);
    }
    const giveUp = new AbortController();
    this.#openings.set(id, giveUp);
    const opening = openingOf(open);
    if (issuesLogins(opening.credential)) this.#leasing.add(open.session);
    connector
      .open(opening, giveUp.signal)
      .then((session) => this.#opened(id, session, giveUp.signal))
      .catch((error: unknown) => this.#failed(id, error, giveUp.signal));
  }

  #opened(id: number, session: TargetSession, { aborted }: AbortSignal): void {
    this.#openings.delete(id);
    if (aborted || this.#stage !== 'up') {
      session.close();
      if (this.size === 0) this.#idle?.();
      return;
    }
    const stream = this.#mux.add(id);
    this.#sessions.set(id, session);
    this.#mux.send(id, { case: 'opened', value: { greeting: { ...session.greeting } } });
    session.relay(stream);
  }

  #failed(id: number, error: unknown, { aborted }: AbortSignal): void {
    this.#openings.delete(id);
    if (!aborted) {
      const known = error instanceof Unavailable;
      // An error of our own may quote anything: the gateway is told no more than that there was one.
      this.#refuse(
        id,
        known ? error.code : 'ERR_TARGET_UNREACHABLE',
        known ? error.message : 'The agent met an error of its own; its log says more.',
      );
    }
    if (this.size === 0) this.#idle?.();
  }

  /** What outlived an earlier tunnel, so that the gateway's overview is whole. */
  #tellOpenLeases(): void {
    for (const lease of this.#parts.leases.open()) {
      this.#leasing.add(lease.session);
      this.#tellLease({ state: 'open', lease });
    }
  }

  #tellLease({ state, lease, message }: LeaseNotice): void {
    if (this.#stage !== 'up' || !this.#leasing.has(lease.session)) return;
    if (state === 'revoked') this.#leasing.delete(lease.session);
    this.#mux.send(0, { case: 'lease', value: leaseMessage(lease, state, message) });
  }

  #refuse(id: number, code: string, message: string): void {
    this.#mux.send(id, { case: 'openFailed', value: { code, message } });
  }

  #cancel(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined)
      return this.#mux.send(id, { case: 'cancelled', value: { message: 'nothing runs any more' } });
    session.cancel(AbortSignal.timeout(10_000)).then(
      () => this.#mux.send(id, { case: 'cancelled', value: { message: '' } }),
      (error: Error) => this.#mux.send(id, { case: 'cancelled', value: { message: error.message } }),
    );
  }
}

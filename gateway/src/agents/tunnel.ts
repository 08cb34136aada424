import { createPublicKey, randomBytes, verify } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { status as codes, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Entry, OpenSchema } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import type { SshTarget } from '@sallyport/shared/access/ssh.ts';
import { type ErrorCode, Unavailable, WireError } from '@sallyport/shared/errors/errors.ts';
import { httpCredentialMessage } from '@sallyport/shared/tunnel/http.ts';
import { proofContext } from '@sallyport/shared/tunnel/identity.ts';
import { readLease } from '@sallyport/shared/tunnel/leases.ts';
import { Multiplexer, type Peer } from '@sallyport/shared/tunnel/multiplexer.ts';
import type { Lease, LeaseState, Opening, TargetGreeting } from '@sallyport/shared/tunnel/opening.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import type { ListedAgent } from './hub.ts';
import type { AgentStore, KnownAgent } from './store.ts';

/** An open exchange with a target that the agent has logged in to. */
export interface TargetStream extends TunnelStream {
  readonly greeting: TargetGreeting;
  /** Settles when the target has taken note, or when the exchange is over. */
  cancel(signal: AbortSignal): Promise<void>;
}

interface Watch {
  onUp(): void;
  onLost(error: Error | undefined): void;
  onLease(lease: Lease, state: LeaseState, message: string): void;
}

interface Pending {
  resolve(stream: TargetStream): void;
  reject(error: Error): void;
}

/** Codes that an agent may report; anything else is not believed. */
const agentCodes: readonly ErrorCode[] = ['ERR_TARGET_UNREACHABLE', 'ERR_TARGET_AUTH', 'ERR_CREDENTIAL_UNRESOLVED'];

/** One agent's tunnel, from its hello to its loss. */
export class AgentTunnel implements Peer {
  readonly #store: AgentStore;
  readonly #fingerprint: string;
  readonly #watch: Watch;
  readonly #mux: Multiplexer;
  readonly #nonce = randomBytes(32);
  readonly #pending = new Map<number, Pending>();
  readonly #cancels = new Map<number, (() => void)[]>();
  #lastId = 0;
  #stage: 'hello' | 'proof' | 'checking' | 'up' | 'closed' = 'hello';
  #agent: KnownAgent | undefined;
  #version = '';
  #claimed = '';
  #whenIdle: (() => void) | undefined;
  draining = false;

  constructor(call: ServerDuplexStream<Buffer, Buffer>, fingerprint: string, store: AgentStore, watch: Watch) {
    this.#store = store;
    this.#fingerprint = fingerprint;
    this.#watch = watch;
    this.#mux = new Multiplexer(
      {
        write: (packet, done) => void call.write(packet, done),
        close: (error) =>
          error === undefined
            ? call.end()
            : void call.emit('error', { code: codes.ABORTED, details: error.message.slice(0, 200) }),
      },
      this,
    );
    call.on('data', (packet: Buffer) => this.#mux.receive(packet));
    call.on('end', () => this.#mux.close(undefined));
    call.on('error', (error) => this.#mux.close(error));
    call.on('cancelled', () => this.#mux.close(new Error('The tunnel was lost.')));
  }

  get name(): string {
    return this.#agent?.name ?? '';
  }

  get size(): number {
    return this.#mux.size + this.#pending.size;
  }

  has(labels: Readonly<Record<string, string>>): boolean {
    return Object.entries(labels).every(([key, value]) => this.#agent?.labels[key] === value);
  }

  listed(): ListedAgent {
    const { name, size, draining } = this;
    return { name, labels: this.#agent?.labels ?? {}, version: this.#version, exchanges: size, draining };
  }

  close(error: Error | undefined): void {
    this.#mux.close(error);
  }

  /** Resolves when no exchange is open, or after `limitMs`. */
  async idle(limitMs: number): Promise<void> {
    if (this.size === 0 || limitMs <= 0) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, limitMs);
      this.#whenIdle = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  open(opening: Opening, signal: AbortSignal): Promise<TargetStream> {
    signal.throwIfAborted();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        this.#pending.delete(id);
        this.#mux.send(id, { case: 'reset', value: { message: 'The session was abandoned.' } });
        reject(signal.reason as Error);
      };
      const settled = (): void => {
        this.#pending.delete(id);
        signal.removeEventListener('abort', abandon);
      };
      this.#pending.set(id, {
        resolve: (stream) => {
          settled();
          resolve(stream);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal.addEventListener('abort', abandon, { once: true });
      this.#mux.send(id, { case: 'open', value: openMessage(opening) });
    });
  }

  known(id: number): boolean {
    return this.#stage === 'up' && id >= 1 && id <= this.#lastId;
  }

  onControl(id: number, kind: Entry['kind']): void {
    if (id === 0) return this.#own(kind);
    if (!this.known(id)) throw new WireError('ERR_WIRE_UNEXPECTED', `Exchange ${id} was never opened.`);
    if (kind.case === 'opened') this.#opened(id, kind.value.greeting);
    else if (kind.case === 'openFailed') this.#openFailed(id, kind.value.code, kind.value.message);
    else if (kind.case === 'cancelled') this.#cancels.get(id)?.shift()?.();
    else if (kind.case !== 'reset') throw new WireError('ERR_WIRE_UNEXPECTED', `An agent may not send ${kind.case}.`);
  }

  onClose(error: Error | undefined): void {
    this.#stage = 'closed';
    this.#whenIdle?.();
    const lost = new Unavailable('agent', 'ERR_AGENT_UNAVAILABLE', `The tunnel to agent ${this.name} was lost.`);
    for (const pending of [...this.#pending.values()]) pending.reject(lost);
    for (const id of [...this.#cancels.keys()]) this.#forget(id);
    this.#watch.onLost(error);
  }

  #own(kind: Entry['kind']): void {
    if (kind.case === 'hello' && this.#stage === 'hello') {
      this.#claimed = kind.value.name;
      this.#version = kind.value.version;
      this.#stage = 'proof';
      this.#mux.send(0, { case: 'challenge', value: { nonce: this.#nonce } });
    } else if (kind.case === 'proof' && this.#stage === 'proof') {
      this.#stage = 'checking';
      this.#check(kind.value.signature).catch((error: Error) => this.close(error));
    } else if (kind.case === 'drain' && this.#stage === 'up') this.draining = true;
    else if (kind.case === 'lease' && this.#stage === 'up') {
      const told = readLease(kind.value);
      if (told !== undefined) this.#watch.onLease(told.lease, told.state, told.message);
    } else throw new WireError('ERR_WIRE_UNEXPECTED', `Nobody waits for ${kind.case} now.`);
  }

  async #check(signature: Uint8Array): Promise<void> {
    const agent = await this.#store.agent(this.#claimed);
    const context = proofContext(this.#claimed, this.#nonce, this.#fingerprint);
    if (agent === undefined || !verified(agent.publicKey, context, signature)) {
      throw new Error('The agent could not prove who it is.');
    }
    if (this.#stage !== 'checking') return;
    this.#agent = agent;
    this.#stage = 'up';
    this.#mux.send(0, { case: 'welcome', value: {} });
    this.#watch.onUp();
  }

  #opened(id: number, greeting: TargetGreeting): void {
    this.#checkUnopened(id);
    const pending = this.#pending.get(id);
    // It was abandoned, and the agent is told so.
    if (pending === undefined) return;
    const stream = this.#mux.add(id);
    const cancel = (signal: AbortSignal): Promise<void> => this.#cancel(id, signal);
    pending.resolve(Object.assign(stream, { greeting, cancel }));
  }

  /** An exchange opens once: whatever comes after that is another's, or somebody's trick. */
  #checkUnopened(id: number): void {
    if (this.#mux.has(id)) throw new WireError('ERR_WIRE_UNEXPECTED', `Exchange ${id} was opened before.`);
  }

  #openFailed(id: number, code: string, message: string): void {
    this.#checkUnopened(id);
    const known = agentCodes.find((one) => one === code) ?? 'ERR_TARGET_UNREACHABLE';
    this.#pending.get(id)?.reject(new Unavailable('target', known, message));
  }

  #cancel(id: number, signal: AbortSignal): Promise<void> {
    if (!this.#mux.has(id) || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#cancels.get(id) ?? [];
      waiting.push(resolve);
      this.#cancels.set(id, waiting);
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#mux.send(id, { case: 'cancel', value: {} });
    });
  }

  onForgotten(id: number): void {
    this.#forget(id);
    if (this.size === 0) this.#whenIdle?.();
  }

  #forget(id: number): void {
    for (const settle of this.#cancels.get(id) ?? []) settle();
    this.#cancels.delete(id);
  }
}

function openMessage({ wall, target, credential, ...opening }: Opening): MessageInitShape<typeof OpenSchema> {
  const { columns = [], privileges = [], readOnly = false } = wall ?? {};
  const { ssh, ...place } = target;
  return {
    ...opening,
    credential: { ...credential, http: httpCredentialMessage(credential.http) },
    target: { ...place, ...(ssh === undefined ? {} : { ssh: sshMessage(ssh) }) },
    ...(wall === undefined ? {} : { wall: { readOnly, columns: [...columns], privileges: [...privileges] } }),
  };
}

const sshMessage = ({ hostKeys, jump, ...rest }: SshTarget) => ({
  ...rest,
  hostKeys: [...hostKeys],
  jump: jump.map((hop) => ({ ...hop, hostKeys: [...hop.hostKeys] })),
});

function verified(publicKey: Uint8Array, context: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return key.asymmetricKeyType === 'ed25519' && verify(null, context, key, signature);
}

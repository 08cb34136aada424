import { createHash, createPublicKey, randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type EnrolRequest, type EnrolResponse, EnrolResponseSchema } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { formatJoinToken } from '@sallyport/shared/tunnel/identity.ts';
import type { Wall } from '@sallyport/shared/tunnel/opening.ts';
import {
  channelOptions,
  defaultKeepalive,
  type Keepalive,
  type TunnelHandlers,
  tunnelService,
  windowBytes,
} from '@sallyport/shared/tunnel/service.ts';
import type { Authority } from './authority.ts';
import { type LeaseEvent, OpenLeases } from './leases.ts';
import type { AgentStore } from './store.ts';
import { AgentTunnel, type TargetStream } from './tunnel.ts';
import { widenWindows } from './windows.ts';

/** What happened to an agent, for the journal. */
export interface AgentEvent {
  readonly type: 'agent.up' | 'agent.lost';
  readonly agent: string;
  readonly reason?: string;
}

/** What is asked of an agent for one exchange. */
export interface OpenOrder {
  readonly connection: Connection;
  readonly settings: Readonly<Record<string, string>>;
  /** The session's id. */
  readonly session: string;
  readonly wall?: Wall;
}

export interface ListedAgent {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly exchanges: number;
  readonly draining: boolean;
}

export interface HubOptions {
  readonly authority: Authority;
  readonly store: AgentStore;
  readonly onEvent?: (event: AgentEvent) => void;
  readonly onLease?: (event: LeaseEvent) => void;
  readonly keepalive?: Keepalive;
}

const joinTokenMs = 60 * 60 * 1000;
/** Time for an agent to prove itself. */
const proofMs = 10_000;

/** The gateway's end of all tunnels: admits agents, and opens exchanges on them. */
export class AgentHub {
  readonly #options: HubOptions;
  readonly #tunnels = new Map<string, AgentTunnel>();
  readonly #server: grpc.Server;
  readonly leases = new OpenLeases();
  #stopping = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#server = new grpc.Server(channelOptions(options.keepalive ?? defaultKeepalive));
    widenWindows(this.#server, windowBytes);
    const handlers: TunnelHandlers = {
      enrol: (call, reply) => {
        this.#enrol(call.request).then((response) => reply(null, response), reply);
      },
      connect: (call) => this.#connect(call),
    };
    this.#server.addService(tunnelService, handlers);
  }

  /** Listens on `host:port`; resolves to the port. */
  start(address: string): Promise<number> {
    const { serverKey, certificateChain } = this.#options.authority;
    const pair = { private_key: Buffer.from(serverKey), cert_chain: Buffer.from(certificateChain) };
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, grpc.ServerCredentials.createSsl(null, [pair]), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  /** Takes nothing new and closes every tunnel; with `drainMs`, exchanges that are open have so long to end by themselves. */
  async stop(drainMs = 0): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.idle(drainMs)));
    for (const tunnel of [...this.#tunnels.values()]) tunnel.close(undefined);
    this.#server.forceShutdown();
  }

  /** A token that lets one agent join under `name`, once, within the hour. */
  async createJoinToken(name: string): Promise<string> {
    const secret = randomBytes(24).toString('base64url');
    const expiresAt = new Date(Date.now() + joinTokenMs);
    await this.#options.store.addJoinToken({ hash: hashOf(secret), name, expiresAt });
    return formatJoinToken({ secret, fingerprint: this.#options.authority.fingerprint });
  }

  list(): ListedAgent[] {
    return [...this.#tunnels.values()].map((tunnel) => tunnel.listed());
  }

  /** Ends an agent's tunnel, as when it has been removed. */
  disconnect(name: string): void {
    this.#tunnels.get(name)?.close(new Error('The agent was removed.'));
  }

  /**
   * Opens an exchange with the connection's target.
   * @throws Unavailable `ERR_AGENT_UNAVAILABLE` at once when no such agent is connected; the agent's `ERR_TARGET_…`
   * and `ERR_CREDENTIAL_…`; the signal's reason.
   */
  async open({ connection, settings, session, wall }: OpenOrder, signal: AbortSignal): Promise<TargetStream> {
    if (this.#stopping) throw new Unavailable('agent', 'ERR_AGENT_UNAVAILABLE', 'The gateway is stopping.');
    const tunnel = this.#find(connection.agent);
    if (tunnel === undefined) {
      throw new Unavailable('agent', 'ERR_AGENT_UNAVAILABLE', `No agent for ${connection.name} is connected.`);
    }
    const { protocol, target, credential, name } = connection;
    const opening = { protocol, target, credential, settings, connection: name, session };
    return tunnel.open(wall === undefined ? opening : { ...opening, wall }, signal);
  }

  #find(agent: Connection['agent']): AgentTunnel | undefined {
    const tunnels = typeof agent === 'string' ? [this.#tunnels.get(agent)] : [...this.#tunnels.values()];
    return tunnels
      .filter((tunnel) => tunnel !== undefined && !tunnel.draining && (typeof agent === 'string' || tunnel.has(agent)))
      .sort((one, other) => (one?.size ?? 0) - (other?.size ?? 0))[0];
  }

  async #enrol(request: EnrolRequest): Promise<EnrolResponse> {
    if (!isEd25519(request.publicKey)) throw refusal('The agent sent no Ed25519 key.');
    if (this.#stopping) throw refusal('The gateway is stopping.', grpc.status.UNAVAILABLE);
    const { publicKey, labels, secret } = request;
    const enrolled = await this.#options.store.enrol(hashOf(secret), new Date(), { publicKey, labels });
    if (enrolled === undefined) throw refusal('The join token is unknown, used or expired.');
    return create(EnrolResponseSchema, { name: enrolled.name });
  }

  #connect(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    // Whoever comes now is sent to try again, when the gateway is back.
    if (this.#stopping)
      return void call.emit('error', { code: grpc.status.UNAVAILABLE, details: 'The gateway is stopping.' });
    const late = setTimeout(() => tunnel.close(new Error('The agent did not prove itself in time.')), proofMs);
    const tunnel = new AgentTunnel(call, this.#options.authority.fingerprint, this.#options.store, {
      onUp: () => {
        clearTimeout(late);
        this.#tunnels.get(tunnel.name)?.close(new Error('The agent connected anew.'));
        this.#tunnels.set(tunnel.name, tunnel);
        this.#options.onEvent?.({ type: 'agent.up', agent: tunnel.name });
      },
      onLost: (error) => {
        clearTimeout(late);
        if (this.#tunnels.get(tunnel.name) !== tunnel) return;
        this.#tunnels.delete(tunnel.name);
        const reason = error === undefined ? {} : { reason: error.message };
        this.#options.onEvent?.({ type: 'agent.lost', agent: tunnel.name, ...reason });
      },
      onLease: (lease, state, message) => {
        const event = this.leases.told(tunnel.name, lease, state, message);
        if (event !== undefined) this.#options.onLease?.(event);
      },
    });
  }
}

/** DER SubjectPublicKeyInfo of that kind (RFC 8410). */
function isEd25519(publicKey: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function refusal(details: string, code = grpc.status.UNAUTHENTICATED): grpc.ServiceError {
  return Object.assign(new Error(details), {
    code,
    details,
    metadata: new grpc.Metadata(),
  });
}

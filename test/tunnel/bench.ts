import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import type { Connector } from '../../agent/src/connectors/connector.ts';
import { Leases } from '../../agent/src/credentials/leases.ts';
import { Dialer } from '../../agent/src/dialer/dialer.ts';
import { enrol } from '../../agent/src/dialer/enrol.ts';
import { type Authority, ensureAuthority } from '../../gateway/src/agents/authority.ts';
import { type AgentEvent, AgentHub } from '../../gateway/src/agents/hub.ts';
import { MemoryAgentStore } from '../../gateway/src/agents/testing/store.ts';

/** A gateway's hub and agents that dial it, over real gRPC on loopback, with targets that a test makes up. */
export class Bench {
  readonly authority: Authority;
  readonly store = new MemoryAgentStore();
  readonly events: AgentEvent[] = [];
  readonly #folder: string;
  readonly #dialers: Dialer[] = [];
  readonly #listeners = new Set<() => void>();
  hub: AgentHub;
  port = 0;

  private constructor(folder: string, authority: Authority) {
    this.#folder = folder;
    this.authority = authority;
    this.hub = this.newHub();
  }

  static async start(): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-tunnel-'));
    const bench = new Bench(folder, await ensureAuthority(folder));
    bench.port = await bench.hub.start('127.0.0.1:0');
    return bench;
  }

  newHub(): AgentHub {
    return new AgentHub({
      authority: this.authority,
      store: this.store,
      keepalive: { timeMs: 500, timeoutMs: 500 },
      onEvent: (event) => {
        this.events.push(event);
        for (const listener of this.#listeners) listener();
      },
    });
  }

  get gateway() {
    return { host: '127.0.0.1', port: this.port };
  }

  async enrolled(name: string) {
    const joinToken = await this.hub.createJoinToken(name);
    return enrol({ gateway: this.gateway, joinToken, labels: {}, version: '0' });
  }

  /** Enrols an agent and waits until it is up. */
  async agent(name: string, connector: Connector): Promise<Dialer> {
    const identity = await this.enrolled(name);
    const up = this.happened('agent.up', name);
    const dialer = new Dialer({
      gateway: this.gateway,
      identity,
      labels: {},
      version: '0',
      connectors: [connector],
      leases: new Leases(),
      log: () => undefined,
    });
    this.#dialers.push(dialer);
    dialer.start();
    await up;
    return dialer;
  }

  /** Resolves at the next such event. */
  happened(type: AgentEvent['type'], agent: string): Promise<AgentEvent> {
    const from = this.events.length;
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.events.slice(from).find((event) => event.type === type && event.agent === agent);
        if (found === undefined) return;
        this.#listeners.delete(look);
        resolve(found);
      };
      this.#listeners.add(look);
    });
  }

  open(agent: string, settings: Readonly<Record<string, string>> = {}, signal = AbortSignal.timeout(20_000)) {
    return this.hub.open({ connection: connectionTo(agent), settings, session: 'bench' }, signal);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#dialers.map((dialer) => dialer.stop(0)));
    await this.hub.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const connectionTo = (agent: string): Connection => ({
  name: `at-${agent}`,
  protocol: 'postgres',
  agent,
  target: { host: 'nowhere', port: 1, tls: 'disable' },
  credential: { username: 'nobody' },
  labels: {},
});

/** A connector whose targets are functions of the stream. */
export function targets(serve: (stream: TunnelStream, settings: Readonly<Record<string, string>>) => void): Connector {
  return {
    protocol: 'postgres',
    async open({ settings }) {
      return {
        greeting: { served: 'yes' },
        relay: (stream) => serve(stream, settings),
        cancel: async () => undefined,
        close: () => undefined,
      };
    },
  };
}

/** Gives back what it gets, with backpressure. */
export function echo(stream: TunnelStream): void {
  stream.attach({
    onData(bytes) {
      if (!stream.write(bytes)) stream.pause();
    },
    onDrain: () => stream.resume(),
    onEnd: () => stream.end(),
    onClose: () => undefined,
  });
}

/** Writes all of it as credit allows, then ends. */
export function send(
  stream: TunnelStream,
  bytes: Buffer,
  chunkBytes: () => number,
): { attach(): void; drained(): void } {
  let at = 0;
  const pump = (): void => {
    while (at < bytes.length) {
      const chunk = bytes.subarray(at, at + chunkBytes());
      at += chunk.length;
      if (!stream.write(chunk)) return;
    }
    stream.end();
  };
  return { attach: pump, drained: pump };
}

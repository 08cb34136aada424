import { defaultKeepalive, type Keepalive } from '@sallyport/shared/tunnel/service.ts';
import type { Connector } from '../connectors/connector.ts';
import type { Leases } from '../credentials/leases.ts';
import { type GatewayAddress, spoken } from './address.ts';
import { tunnelClient } from './client.ts';
import type { Identity } from './identity.ts';
import { AgentTunnel } from './tunnel.ts';

export interface DialerParts {
  readonly gateway: GatewayAddress;
  readonly identity: Identity;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly connectors: readonly Connector[];
  readonly leases: Pick<Leases, 'open' | 'onNotice'>;
  readonly log: (text: string, facts?: Readonly<Record<string, unknown>>) => void;
  readonly keepalive?: Keepalive;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
/** A tunnel that lasted this long was a good one: the next wait begins small again. */
const STABLE_MS = 30_000;

/** Keeps a tunnel to one gateway up: dials, proves itself, and dials again when it is lost. */
export class Dialer {
  readonly #parts: DialerParts;
  #tunnel: AgentTunnel | undefined;
  #attempts = 0;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DialerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#dial();
  }

  /** Takes no new exchanges, gives the open ones `drainMs`, and is gone. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    await this.#tunnel?.drain(drainMs);
    this.#tunnel?.close();
  }

  #dial(): void {
    const { gateway, identity, labels, version, connectors, leases, log, keepalive = defaultKeepalive } = this.#parts;
    const client = tunnelClient(gateway, identity.ca, keepalive);
    const dialledAt = Date.now();
    let wasUp = false;
    this.#tunnel = new AgentTunnel(client.connect(), {
      identity,
      labels,
      version,
      connectors,
      leases,
      onUp: () => {
        wasUp = true;
        log('connected', { gateway: spoken(gateway), name: identity.name });
      },
      onLost: (error) => {
        client.close();
        this.#tunnel = undefined;
        if (wasUp && Date.now() - dialledAt > STABLE_MS) this.#attempts = 0;
        const why = error?.message ?? 'the gateway ended it';
        log(wasUp ? 'disconnected' : 'cannot connect', { gateway: spoken(gateway), why });
        if (!this.#stopping) this.#again();
      },
    });
  }

  /** Twice as long each time, and anything between nothing and that: agents that lost one gateway do not return at once. */
  #again(): void {
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#dial(), Math.random() * most);
  }
}

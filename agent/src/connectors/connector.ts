import type { ProtocolName } from '@sallyport/shared/access/connection.ts';
import type { Opening, TargetGreeting } from '@sallyport/shared/tunnel/opening.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';

/** Knows how to log in to one kind of target. The secret is resolved, used and forgotten inside it. */
export interface Connector {
  readonly protocol: ProtocolName;
  /**
   * Connects, secures and authenticates.
   * @throws Unavailable `ERR_TARGET_UNREACHABLE`, `ERR_TARGET_AUTH`, `ERR_CREDENTIAL_UNRESOLVED`
   */
  open(opening: Opening, signal: AbortSignal): Promise<TargetSession>;
}

/** A logged-in connection to a target. */
export interface TargetSession {
  readonly greeting: TargetGreeting;
  /** Joins the target's socket and the tunnel, with backpressure both ways, until either ends. */
  relay(stream: TunnelStream): void;
  /** Asks the target to cancel what runs; settles when the target has taken note (its cancel socket is closed). */
  cancel(signal: AbortSignal): Promise<void>;
  close(): void;
}

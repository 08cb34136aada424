/** What the owner of a stream is told. Called synchronously, in order; none is called after `onClose`. */
export interface StreamHandlers {
  /** Bytes that arrived. The buffer belongs to the receiver and is never written again. */
  onData(bytes: Buffer): void;
  /** `write` returned false before; there is room again. */
  onDrain(): void;
  /** The other side will send no more. */
  onEnd(): void;
  /** Over in both directions; `error` is absent after a clean end. */
  onClose(error: Error | undefined): void;
}

/** One exchange's two lanes through the tunnel, with its own credit: a stalled stream never slows another. */
export interface TunnelStream {
  /** Set once by the owner before the first event can happen; data that arrives earlier waits within its credit. */
  attach(handlers: StreamHandlers): void;
  /** Takes the bytes whatever it returns; false says: wait for `onDrain` before writing more. Never copies. */
  write(bytes: Uint8Array): boolean;
  /** Stops `onData`; the sender runs out of credit. */
  pause(): void;
  resume(): void;
  /** No more will be written; what was written arrives first. */
  end(): void;
  /** Ends both directions at once; the other side's `onClose` gets `error`'s message. */
  destroy(error?: Error): void;
}

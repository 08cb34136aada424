import type { StreamHandlers, TunnelStream } from '@sallyport/shared/tunnel/stream.ts';

/** A tunnel's far end in memory: keeps what the target sent, and takes it only while there is room. */
export class TestStream implements TunnelStream {
  received = Buffer.alloc(0);
  receivedBytes = 0;
  /** Bytes that it takes before `write` says stop. */
  roomBytes = Number.POSITIVE_INFINITY;
  hasEnded = false;
  isClosed = false;
  error: Error | undefined;
  pauses = 0;
  #handlers: StreamHandlers | undefined;
  #waiting: (() => void)[] = [];

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  write(bytes: Uint8Array): boolean {
    this.receivedBytes += bytes.length;
    this.received = Buffer.concat([this.received, bytes]).subarray(-65_536);
    this.#wake();
    return this.receivedBytes < this.roomBytes;
  }

  pause(): void {
    this.pauses++;
    this.#wake();
  }

  resume(): void {
    this.#wake();
  }

  end(): void {
    this.hasEnded = true;
    this.#wake();
  }

  destroy(error?: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.error = error;
    this.#handlers?.onClose(error);
    this.#wake();
  }

  /** The gateway sends. */
  send(bytes: Buffer): void {
    this.#handlers?.onData(bytes);
  }

  sendEnd(): void {
    this.#handlers?.onEnd();
  }

  drain(): void {
    this.#handlers?.onDrain();
  }

  /** Settles once the condition holds; it is looked at after every event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

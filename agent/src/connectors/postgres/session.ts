import type { Socket } from 'node:net';
import type { Target } from '@sallyport/shared/access/connection.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import { terminate } from '@sallyport/shared/wire/postgres/frontend.ts';
import { Backend, Frontend } from '@sallyport/shared/wire/postgres/types.ts';
import type { TargetSession } from '../connector.ts';
import { socketReason, unreachable } from './failure.ts';
import type { Login } from './login.ts';

/** How long a target has to read our Terminate before its connection is cut. */
const farewellMs = 2_000;

/** A logged-in connection; `cancel` opens the second connection that cancels on it. */
export class PostgresSession implements TargetSession {
  readonly greeting: Readonly<Record<string, string>>;
  readonly cancel: (signal: AbortSignal) => Promise<void>;
  readonly #socket: Socket;
  readonly #target: Target;
  #rest: Buffer;
  #isLeaving = false;
  #lastType = 0;

  constructor(socket: Socket, target: Target, login: Login, cancel: (signal: AbortSignal) => Promise<void>) {
    this.#socket = socket;
    this.#target = target;
    this.greeting = login.greeting;
    this.#rest = login.rest;
    this.cancel = cancel;
  }

  relay(stream: TunnelStream): void {
    const socket = this.#socket;
    socket.on('data', (chunk) => {
      this.#lastType = chunk[0]!;
      if (!stream.write(chunk)) socket.pause();
    });
    socket.on('drain', () => stream.resume());
    socket.on('end', () => this.#ended(stream));
    socket.on('close', () => stream.destroy(this.#isLeaving ? undefined : this.#death()));
    stream.attach({
      onData: (bytes) => {
        if (bytes[0] === Frontend.Terminate && bytes.length === 5) this.#isLeaving = true;
        if (!socket.write(bytes)) stream.pause();
      },
      onDrain: () => socket.resume(),
      onEnd: () => {
        this.#isLeaving = true;
        socket.end();
      },
      onClose: () => this.close(),
    });
    if (socket.destroyed) return stream.destroy(this.#death());
    const mayGoOn = this.#rest.length === 0 || stream.write(this.#rest);
    this.#rest = Buffer.alloc(0);
    if (mayGoOn) socket.resume();
  }

  /** Says Terminate and closes; what the target still sends is dropped. */
  close(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    this.#isLeaving = true;
    if (!socket.writableEnded) socket.write(terminate());
    socket.destroySoon();
    setTimeout(() => socket.destroy(), farewellMs).unref();
  }

  /** A target that says why it leaves (ErrorResponse) is let finish; one that vanishes is reported. */
  #ended(stream: TunnelStream): void {
    if (!this.#isLeaving && this.#lastType !== Backend.ErrorResponse) return stream.destroy(this.#death());
    this.#isLeaving = true;
    stream.end();
    // `close` would cut off what the stream has not sent yet.
    this.#socket.removeAllListeners('close');
    this.#socket.end();
  }

  #death(): Error {
    const error = this.#socket.errored;
    const why = error ? socketReason(error) : 'it closed the connection in the middle of the session';
    return unreachable(this.#target, why, error ?? undefined);
  }
}

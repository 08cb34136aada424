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

/** Of a last chunk that is kept, to see whether the target said why it leaves. */
const largestPartingWordsBytes = 4_096;

/** A logged-in connection; `cancel` opens the second connection that cancels on it. */
export class PostgresSession implements TargetSession {
  readonly greeting: Readonly<Record<string, string>>;
  readonly cancel: (signal: AbortSignal) => Promise<void>;
  readonly #socket: Socket;
  readonly #target: Target;
  #rest: Buffer;
  #isLeaving = false;
  #isParting = false;
  #lastChunk: Buffer | undefined;

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
      this.#lastChunk = chunk.length <= largestPartingWordsBytes ? chunk : undefined;
      if (!stream.write(chunk)) socket.pause();
    });
    socket.on('drain', () => stream.resume());
    socket.on('end', () => this.#ended(stream));
    socket.on('close', () => {
      // A parting stream closes by itself; destroying it would cut off what it has not sent yet.
      if (!this.#isParting) stream.destroy(this.#isLeaving ? undefined : this.#death());
    });
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
    if (!this.#isLeaving && !endsWithError(this.#lastChunk)) return stream.destroy(this.#death());
    this.#isLeaving = true;
    stream.end();
    this.#isParting = true;
    this.#socket.end();
  }

  #death(): Error {
    const error = this.#socket.errored;
    const why = error ? socketReason(error) : 'it closed the connection in the middle of the session';
    return unreachable(this.#target, why, error ?? undefined);
  }
}

/** Whether a chunk's last message is an ErrorResponse; a chunk that does not start with a message counts as none. */
function endsWithError(chunk: Buffer | undefined): boolean {
  let at = 0;
  let type = 0;
  while (chunk !== undefined && at + 5 <= chunk.length) {
    type = chunk[at]!;
    at += 1 + chunk.readUInt32BE(at + 1);
  }
  return type === Backend.ErrorResponse && at === chunk?.length;
}

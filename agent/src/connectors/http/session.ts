import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Unavailable, WireError } from '@sallyport/shared/errors/errors.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import { type CutFrame, FrameCutter } from '@sallyport/shared/wire/http/cutter.ts';
import {
  abortFrame,
  dataFrames,
  endFrame,
  Frame,
  informationalFrame,
  type ReplyHead,
  type RequestHead,
  readRequestHead,
  readTrailers,
  replyHeadFrame,
  trailersFrame,
} from '@sallyport/shared/wire/http/frames.ts';
import {
  endToEnd,
  grouped,
  type Headers,
  headersOf,
  readHeaders,
  valuesOf,
} from '@sallyport/shared/wire/http/headers.ts';
import { FrameOrder } from '@sallyport/shared/wire/http/order.ts';
import type { TargetSession } from '../connector.ts';
import { relativeTo } from './address.ts';
import type { Authenticators } from './authentication/authenticators.ts';
import { reasonOf } from './failure.ts';
import { outgoingHeaders } from './outgoing.ts';
import type { Transport, Transports } from './transport.ts';

export interface HttpSessionParts {
  readonly opening: Opening;
  readonly transports: Transports;
  readonly authenticators: Authenticators;
}

/** How long a target may take for a connection and TLS. Its answer may take as long as it needs. Milliseconds. */
const CONNECT_MS = 15_000;

/** One request to the target, from the gateway's frames, and its reply. */
export class HttpSession implements TargetSession {
  readonly greeting = {};
  readonly #parts: HttpSessionParts;
  readonly #cutter = new FrameCutter();
  readonly #order = new FrameOrder(Frame.RequestHead);
  readonly #gone = new AbortController();
  #stream: TunnelStream | undefined;
  #request: ClientRequest | undefined;
  /** What came before the request could be begun. */
  #early: CutFrame[] = [];
  #upgraded: Duplex | undefined;
  #reply: IncomingMessage | undefined;
  #isOver = false;

  constructor(parts: HttpSessionParts) {
    this.#parts = parts;
  }

  relay(stream: TunnelStream): void {
    this.#stream = stream;
    stream.attach({
      onData: (bytes) => this.#fromGateway(bytes),
      onDrain: () => void (this.#upgraded ?? this.#reply)?.resume(),
      onEnd: () => undefined,
      onClose: () => this.close(),
    });
  }

  /** A request is cancelled by its end. */
  async cancel(): Promise<void> {}

  close(): void {
    this.#isOver = true;
    this.#gone.abort(new Error('the request was given up'));
    this.#request?.destroy();
    this.#upgraded?.destroy();
  }

  #fromGateway(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      for (const frame of this.#cutter.push(bytes)) {
        this.#order.next(frame.type);
        if (frame.type === Frame.RequestHead) void this.#begin(readRequestHead(frame.payload));
        else if (this.#request === undefined) this.#keep(frame);
        else this.#send(frame);
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Until the request is begun no more is read: what is here already is what was on its way. */
  #keep(frame: CutFrame): void {
    this.#early.push(frame);
    this.#stream?.pause();
  }

  async #begin(head: RequestHead): Promise<void> {
    const { opening, transports, authenticators } = this.#parts;
    try {
      const { target, credential } = opening;
      const signal = AbortSignal.any([this.#gone.signal, AbortSignal.timeout(CONNECT_MS)]);
      const transport = await transports.to(target, credential.http?.clientCertificate, signal);
      const proof = await authenticators.of(opening, signal);
      const path = `${target.http?.basePath ?? ''}${head.target}`;
      const headers = outgoingHeaders(head, target, opening);
      const proven = await proof.prove({ method: head.method, path, headers, hasBody: head.hasBody });
      if (!this.#isOver) this.#start(transport, head, path, proven, () => proof.refused?.());
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #start(transport: Transport, head: RequestHead, path: string, headers: Headers, refused: () => void): void {
    const request = transport.request({ method: head.method, path, headers: grouped(headers), setHost: false });
    this.#request = request;
    const slow = setTimeout(() => request.destroy(new Error('it took too long to connect')), CONNECT_MS);
    request.once('socket', (socket) => {
      const event = transport.isSecure ? 'secureConnect' : 'connect';
      if (!socket.connecting) clearTimeout(slow);
      else socket.once(event, () => clearTimeout(slow));
    });
    request.on('close', () => clearTimeout(slow));
    request.on('drain', () => this.#stream?.resume());
    request.on('continue', () => this.#told({ status: 100, reason: '', headers: [] }));
    request.on('information', ({ statusCode, rawHeaders }) => {
      this.#told({ status: statusCode, reason: '', headers: headersOf(rawHeaders as unknown as string[]) });
    });
    request.on('response', (reply) => {
      if (reply.statusCode === 401) refused();
      this.#answered(reply);
    });
    request.on('upgrade', (reply, socket, rest) => this.#switched(reply, socket, rest, head));
    request.on('error', (error) => this.#fail(error));
    if (valuesOf(head.headers, 'expect').length > 0) request.flushHeaders();
    const early = this.#early.splice(0);
    for (const frame of early) this.#send(frame);
    this.#stream?.resume();
  }

  #send({ type, payload }: CutFrame): void {
    const request = this.#request as ClientRequest;
    if (type === Frame.Abort) return this.close();
    if (this.#upgraded !== undefined) {
      if (type === Frame.End) this.#upgraded.end();
      else if (!this.#upgraded.write(payload)) this.#stream?.pause();
      return;
    }
    if (request.destroyed || request.writableEnded) return;
    if (type === Frame.Trailers) request.addTrailers(grouped(readTrailers(payload)) as Record<string, string>);
    else if (type === Frame.End) request.end();
    else if (!request.write(payload)) this.#stream?.pause();
  }

  #told(head: ReplyHead): void {
    if (head.status !== 101) this.#write(informationalFrame({ ...head, headers: checked(head.headers) }));
  }

  #answered(reply: IncomingMessage): void {
    this.#reply = reply;
    try {
      this.#write(replyHeadFrame(this.#headOf(reply)));
    } catch (error) {
      return this.#fail(error as Error);
    }
    reply.on('data', (chunk: Buffer) => {
      if (!this.#write(dataFrames(chunk))) reply.pause();
    });
    reply.on('end', () => {
      const trailers = checked(endToEnd(headersOf(reply.rawTrailers)));
      this.#finish(trailers.length > 0 ? [trailersFrame(trailers), endFrame] : [endFrame]);
    });
    reply.on('error', (error) => this.#breakOff(error));
    reply.on('aborted', () => this.#breakOff(new Error('it broke off')));
  }

  /** Only where it was asked for, and to nothing else (RFC 9110, 7.8). */
  #switched(reply: IncomingMessage, socket: Duplex, rest: Buffer, head: RequestHead): void {
    const protocols = valuesOf(headersOf(reply.rawHeaders), 'upgrade');
    if (head.upgrade === undefined || protocols.join(',').toLowerCase() !== head.upgrade.toLowerCase()) {
      socket.destroy();
      return this.#fail(new WireError('ERR_WIRE_UNEXPECTED', 'it switched to a protocol that nobody asked for'));
    }
    this.#upgraded = socket;
    const { status, reason, headers } = this.#headOf(reply);
    const all: Headers = [['connection', 'Upgrade'], ['upgrade', protocols[0] as string], ...headers];
    this.#write(replyHeadFrame({ status, reason, headers: all }));
    socket.on('data', (chunk: Buffer) => {
      if (!this.#write(dataFrames(chunk))) socket.pause();
    });
    socket.on('drain', () => this.#stream?.resume());
    socket.on('end', () => this.#finish([endFrame]));
    socket.on('error', (error) => this.#breakOff(error));
    socket.on('close', () => this.#breakOff(new Error('it closed')));
    if (rest.length > 0) this.#write(dataFrames(rest));
    socket.resume();
  }

  #headOf(reply: IncomingMessage): ReplyHead {
    const { target } = this.#parts.opening;
    const headers = checked(relativeTo(target, endToEnd(headersOf(reply.rawHeaders))));
    return { status: reply.statusCode ?? 0, reason: reply.statusMessage ?? '', headers };
  }

  #write(bytes: Buffer): boolean {
    return this.#isOver || this.#stream === undefined || this.#stream.write(bytes);
  }

  #finish(frames: readonly Buffer[]): void {
    if (this.#isOver) return;
    for (const frame of frames) this.#write(frame);
    this.#stream?.end();
    this.#isOver = true;
    // A target that answers before it has read all is not sent the rest.
    if (this.#request?.writableFinished === false) this.#request.destroy();
  }

  #breakOff(error: Error): void {
    if (this.#isOver) return;
    this.#finish([abortFrame(reasonOf(error))]);
  }

  /** Before the reply: the session's own failure, told by the gateway. After it has begun, it breaks off. */
  #fail(error: Error): void {
    if (this.#isOver) return;
    if (this.#reply !== undefined || this.#upgraded !== undefined) return this.#breakOff(error);
    const { host, port } = this.#parts.opening.target;
    const known =
      error instanceof Unavailable ? error.message : `${host}:${port} cannot be reached: ${reasonOf(error)}`;
    this.#isOver = true;
    this.#stream?.destroy(new Error(known));
    this.#request?.destroy();
  }
}

/** @throws WireError where a target's header is no header */
const checked = (headers: Headers): Headers => readHeaders(headers);

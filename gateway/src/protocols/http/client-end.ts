import { IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import { Duplex } from 'node:stream';
import { type CutFrame, FrameCutter } from '@sallyport/shared/wire/http/cutter.ts';
import {
  dataFrames,
  endFrame,
  Frame,
  type ReplyHead,
  type RequestHead,
  readReplyHead,
  readTrailers,
  requestHeadFrame,
  trailersFrame,
} from '@sallyport/shared/wire/http/frames.ts';
import { grouped, headersOf, valuesOf, without } from '@sallyport/shared/wire/http/headers.ts';
import type { Client } from './client.ts';

/** A body that is being read and does not come for so long is given up. Milliseconds. */
export const BODY_IDLE_MS = 60_000;
/** A client that still sends when it has been answered has so long to read the answer. Milliseconds. */
const LAST_WORD_MS = 1_000;

/**
 * One request of node's server as a stream of frames: the request is read from it, the reply is written to it. Backpressure
 * passes through both ways. It closes when the reply has been sent or the client has left.
 */
export class ClientEnd extends Duplex {
  readonly #client: Client;
  readonly #cutter = new FrameCutter();
  readonly #patience: NodeJS.Timeout;
  /** 101 was sent: raw bytes both ways. */
  #isUpgraded = false;
  #isComplete = false;
  #hasHead = false;

  constructor(client: Client, head: RequestHead) {
    super({ allowHalfOpen: true });
    this.#client = client;
    const { request, response } = client;
    this.#patience = setTimeout(() => this.#tooSlow(), BODY_IDLE_MS).unref();
    if (!head.hasBody) clearTimeout(this.#patience);
    this.push(requestHeadFrame(head));
    response.on('close', () => this.destroy());
    response.on('error', () => this.destroy());
    if (client.upgrade !== undefined) {
      client.upgrade.socket.on('error', () => this.destroy());
      client.upgrade.socket.on('close', () => this.destroy());
    } else if (head.hasBody) {
      request.on('data', (chunk: Buffer) => this.#received(chunk));
      request.on('end', () => this.#ended());
      request.on('error', () => this.destroy());
      request.pause();
    } else {
      this.push(endFrame);
      request.resume();
    }
  }

  /** Lets a client that asked go on with its body (RFC 9110, 10.1.1). */
  goOn(): void {
    const { request, response } = this.#client;
    if (!this.#hasHead && request.headers.expect !== undefined) response.writeContinue();
  }

  override _read(): void {
    if (this.#isUpgraded) this.#client.upgrade?.socket.resume();
    else if (this.#client.upgrade === undefined) this.#client.request.resume();
    this.#patience.refresh();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      let goesOn = true;
      for (const frame of this.#cutter.push(chunk)) goesOn = this.#tell(frame) && goesOn;
      if (goesOn) done();
      else this.#whenDrained(done);
    } catch (error) {
      done(error as Error);
    }
  }

  override _final(done: () => void): void {
    if (!this.#isComplete) this.destroy();
    done();
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#patience);
    const { request, response, upgrade } = this.#client;
    if (!this.#isComplete) {
      if (upgrade !== undefined) upgrade.socket.destroy();
      else if (request instanceof IncomingMessage) request.socket.destroy();
      else (response as { stream?: { close(code: number): void } }).stream?.close(0x02);
    }
    done(null);
  }

  #received(chunk: Buffer): void {
    this.#patience.refresh();
    if (this.push(dataFrames(chunk))) return;
    (this.#isUpgraded ? this.#client.upgrade?.socket : this.#client.request)?.pause();
    clearTimeout(this.#patience);
  }

  #ended(): void {
    clearTimeout(this.#patience);
    const trailers = headersOf(this.#client.request.rawTrailers);
    if (trailers.length > 0)
      this.push(trailersFrame(without(trailers, 'content-length', 'transfer-encoding', 'host', 'authorization')));
    this.push(endFrame);
  }

  #tell({ type, payload }: CutFrame): boolean {
    const { response, upgrade } = this.#client;
    if (this.#isComplete) return true;
    switch (type) {
      case Frame.Informational:
        return this.#informed(readReplyHead(payload));
      case Frame.ReplyHead:
        return this.#answered(readReplyHead(payload));
      case Frame.Data:
        if (this.#isUpgraded) return upgrade!.socket.write(payload);
        return (response as ServerResponse).write(payload);
      case Frame.Trailers:
        if (!this.#isUpgraded) response.addTrailers(grouped(readTrailers(payload)) as Record<string, string>);
        return true;
      case Frame.End:
        this.#complete();
        return true;
      default:
        this.destroy();
        return true;
    }
  }

  #informed({ status, headers }: ReplyHead): boolean {
    const { response } = this.#client;
    if (status === 100) this.goOn();
    const links = valuesOf(headers, 'link');
    if (status === 103 && links.length > 0) response.writeEarlyHints({ link: links });
    return true;
  }

  #answered({ status, reason, headers }: ReplyHead): boolean {
    this.#hasHead = true;
    const { response, upgrade } = this.#client;
    if (status === 101 && upgrade !== undefined) {
      this.#upgraded({ status, reason, headers }, upgrade);
      return true;
    }
    response.sendDate = false;
    const fields = grouped(headers);
    if (response instanceof ServerResponse) {
      response.writeHead(status, reason === '' ? (STATUS_CODES[status] ?? '') : reason, fields);
      response.flushHeaders();
    } else {
      response.writeHead(status, fields);
    }
    return true;
  }

  /** From here on node's parser and its response have no part in it. */
  #upgraded({ headers }: ReplyHead, { socket, head }: NonNullable<Client['upgrade']>): void {
    const response = this.#client.response as ServerResponse;
    response.removeAllListeners('close');
    response.detachSocket(socket as never);
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`, 'latin1'));
    this.#isUpgraded = true;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.push(endFrame));
    clearTimeout(this.#patience);
    if (head.length > 0) this.#received(head);
  }

  #complete(): void {
    this.#isComplete = true;
    const { request, response, upgrade } = this.#client;
    if (this.#isUpgraded) {
      upgrade!.socket.end();
      return;
    }
    const isUnread = this.#client.upgrade === undefined && !request.complete;
    response.end();
    if (!isUnread) return;
    // It would be read to its end for nothing.
    request.pause();
    const cut = (): void => {
      if (request instanceof IncomingMessage) request.socket.destroy();
      else request.stream.close(0);
    };
    response.once('finish', () => setTimeout(cut, LAST_WORD_MS).unref());
  }

  #whenDrained(done: (error?: Error | null) => void): void {
    const { response, upgrade } = this.#client;
    const sink = this.#isUpgraded ? upgrade!.socket : (response as ServerResponse);
    const go = (): void => {
      sink.off('drain', go);
      sink.off('close', go);
      done();
    };
    sink.once('drain', go);
    sink.once('close', go);
  }

  #tooSlow(): void {
    if (!this.#isComplete && !this.readableEnded) this.destroy();
  }
}

import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { type CutFrame, FrameCutter } from '@sallyport/shared/wire/http/cutter.ts';
import {
  dataFrames,
  endFrame,
  Frame,
  readReplyHead,
  replyHeadFrame,
  requestHeadFrame,
  trailersFrame,
} from '@sallyport/shared/wire/http/frames.ts';
import { FrameOrder } from '@sallyport/shared/wire/http/order.ts';
import type { Lens, Request, Swap } from '../protocol.ts';
import type { Conversation, Filter, Reply } from './dialect.ts';
import type { Minutes } from './minutes.ts';

export interface LensParts {
  readonly conversation: Conversation;
  readonly hasBody: boolean;
  /** The last word on the request, in the dialect's form; for a reply that has begun, its breaking off. */
  readonly answer: (denial: Denial) => Buffer;
  /** Tells whoever waits what for. */
  readonly notice: (text: string, hint: string) => void;
  /** The last change to a reply's head: where the client finds things. */
  readonly addressed: (reply: Reply) => Reply;
  readonly minutes: Minutes;
}

/** Explains one request and its reply. */
export class HttpLens implements Lens {
  readonly #parts: LensParts;
  readonly #cutter = new FrameCutter();
  readonly #order = new FrameOrder(Frame.RequestHead);
  readonly #replyCutter = new FrameCutter();
  readonly #replyOrder = new FrameOrder(Frame.ReplyHead);
  #isRefused = false;
  /** What is kept until the body has been read. */
  #body: Buffer[] | undefined;
  #bodyBytes = 0;
  #reply: Reply | undefined;

  constructor(parts: LensParts) {
    this.#parts = parts;
  }

  get hasReplied(): boolean {
    return this.#reply !== undefined;
  }

  get due(): number | undefined {
    return this.#reply?.body?.due;
  }

  requests(chunk: Buffer): readonly Request[] {
    const requests: Request[] = [];
    if (this.#isRefused) return requests;
    for (const frame of this.#cutter.push(chunk)) {
      this.#order.next(frame.type);
      this.#take(frame, requests);
    }
    return requests;
  }

  refuse(_request: Request, denial: Denial): Swap {
    this.#isRefused = true;
    return { toTarget: undefined, toClient: this.#parts.answer(denial) };
  }

  /** Rows are nothing that HTTP knows. */
  limit(): void {}

  replies(chunk: Buffer, sink: (bytes: Buffer) => void): void {
    if (this.#isRefused) return;
    for (const frame of this.#replyCutter.push(chunk)) {
      this.#replyOrder.next(frame.type);
      this.#show(frame, sink);
    }
  }

  settle(sink: (bytes: Buffer) => void): void {
    const held = this.#reply?.body?.settle?.();
    if (held !== undefined) this.#pass(held, sink);
  }

  notice(text: string, hint: string): undefined {
    this.#parts.notice(text, hint);
  }

  #take({ type, payload, bytes }: CutFrame, requests: Request[]): void {
    const { conversation, hasBody, minutes } = this.#parts;
    if (type === Frame.RequestHead) {
      if (hasBody && conversation.bodyLimitBytes > 0) this.#body = [];
      else requests.push(this.#judged(hasBody ? undefined : Buffer.alloc(0)));
      return;
    }
    if (type === Frame.Data) minutes.sent(payload);
    if (this.#body === undefined)
      return void requests.push({ bytes: this.#input(type, payload, bytes), ask: undefined });
    if (type === Frame.Data) this.#read(payload, requests);
    else if (type === Frame.Abort) requests.push({ bytes, ask: undefined });
    else {
      requests.push(this.#judged(Buffer.concat(this.#body)), { bytes, ask: undefined });
      this.#body = undefined;
    }
  }

  /** Past the limit the request is judged without its body, which then passes as it comes. */
  #read(payload: Buffer, requests: Request[]): void {
    const body = this.#body as Buffer[];
    body.push(payload);
    this.#bodyBytes += payload.length;
    if (this.#bodyBytes <= this.#parts.conversation.bodyLimitBytes) return;
    requests.push(this.#judged(undefined), { bytes: dataFrames(Buffer.concat(body)), ask: undefined });
    this.#body = undefined;
  }

  #judged(body: Buffer | undefined): Request {
    const action = this.#parts.conversation.action(body);
    const outgoing = this.#parts.conversation.outgoing(body);
    this.#parts.minutes.asked(outgoing.head);
    const parts = [requestHeadFrame(outgoing.head), dataFrames(outgoing.body ?? Buffer.alloc(0))];
    return { bytes: Buffer.concat(parts), ask: { stage: 'perform', matter: { action, basis: action } } };
  }

  #input(type: number, payload: Buffer, bytes: Buffer): Buffer {
    const filter = this.#reply?.input;
    if (filter === undefined) return bytes;
    if (type === Frame.Data) return dataFrames(filter.write(payload));
    return type === Frame.End ? Buffer.concat([dataFrames(filter.end()), bytes]) : bytes;
  }

  #show({ type, payload, bytes }: CutFrame, sink: (bytes: Buffer) => void): void {
    if (type === Frame.ReplyHead) {
      this.#reply = this.#parts.addressed(this.#parts.conversation.reply(readReplyHead(payload)));
      this.#parts.minutes.answered(this.#reply.head);
      return sink(replyHeadFrame(this.#reply.head));
    }
    if (type === Frame.Informational) return sink(bytes);
    const filter = this.#reply?.body;
    if (type === Frame.Data)
      return this.#pass(
        filter === undefined ? payload : filter.write(payload),
        sink,
        filter === undefined ? bytes : undefined,
      );
    if (type === Frame.Trailers) return this.#trailers(bytes, filter, sink);
    if (type === Frame.End) {
      if (filter !== undefined) this.#pass(filter.end(), sink);
      this.#parts.minutes.over('whole');
      return sink(endFrame);
    }
    this.#parts.minutes.over('broken off');
    sink(bytes);
  }

  /** Under a filter they are not looked at, and so not shown. */
  #trailers(bytes: Buffer, filter: Filter | undefined, sink: (bytes: Buffer) => void): void {
    sink(filter === undefined ? bytes : trailersFrame([]));
  }

  #pass(shown: Buffer, sink: (bytes: Buffer) => void, framed?: Buffer): void {
    if (shown.length === 0) return;
    this.#parts.minutes.shown(shown);
    sink(framed ?? dataFrames(shown));
  }
}

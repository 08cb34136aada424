import type { Action } from '@sallyport/shared/access/action.ts';
import type { ProtocolName } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { ReplyHead, RequestHead } from '@sallyport/shared/wire/http/frames.ts';
import type { Backing } from '../protocol.ts';
import type { Answer, Problem } from './problem.ts';
import type { RequestTarget } from './target.ts';

/** What is spoken over HTTP on a connection: a plain API, or Kubernetes. It explains requests and decides nothing. */
export interface Dialect {
  readonly protocol: ProtocolName;
  /** What the gateway itself answers, in a form that the dialect's clients show to people. */
  answer(problem: Problem): Answer;
  /** For the agent: what it needs to know of the person. */
  settings(principal: Principal): Readonly<Record<string, string>>;
  /** One request and its reply. */
  conversation(request: DialectRequest, backing: Backing): Conversation;
}

export interface DialectRequest {
  readonly head: RequestHead;
  /** Of the target: `path` is without the connection's prefix, as in `head`. */
  readonly target: RequestTarget;
}

/** One request, explained; its reply, as the client may see it. */
export interface Conversation {
  /** The body is to be read, up to so much, before the request is judged; 0: it is not. Bytes. */
  readonly bodyLimitBytes: number;
  /** What is asked. `body` is undefined where it was not read, or is longer than the limit; empty where there is none. */
  action(body: Buffer | undefined): Action;
  /** The request as it goes to the target. `body` is what was read; what is returned takes its place. */
  outgoing(body: Buffer | undefined): Outgoing;
  /** @throws WireError where nothing of it may be shown */
  reply(head: ReplyHead): Reply;
}

export interface Outgoing {
  readonly head: RequestHead;
  /** The body that was read; undefined where it was not. */
  readonly body: Buffer | undefined;
}

export interface Reply {
  readonly head: ReplyHead;
  /** Rewrites the body, or what the target sends over an upgraded connection. */
  readonly body?: Filter;
  /** Rewrites what the client sends over an upgraded connection. */
  readonly input?: Filter;
}

/** Rewrites a stream as it passes. @throws WireError where it cannot be read: nothing more is shown then */
export interface Filter {
  /** What may leave now. */
  write(chunk: Buffer): Buffer;
  /** What was held back, at the end. */
  end(): Buffer;
  /** When `settle` is to be called, in milliseconds of `performance.now()`; undefined where nothing waits. */
  readonly due?: number | undefined;
  settle?(): Buffer;
}

import type { Action } from '@sallyport/shared/access/action.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { abortFrame } from '@sallyport/shared/wire/http/frames.ts';
import type { Backing, Exchange, Scribe } from '../protocol.ts';
import { ClientEnd } from './client-end.ts';
import type { Reply } from './dialect.ts';
import { HttpLens } from './lens.ts';
import { Minutes } from './minutes.ts';
import { problemOf, replyFrames } from './problem.ts';
import { addressed } from './reply-address.ts';
import type { Waiting } from './waiting.ts';

/** One request of an admitted session. */
export class HttpExchange implements Exchange {
  readonly opening: Action = { kind: 'session.open', verb: 'open', effects: ['open'] };
  readonly settings: Readonly<Record<string, string>>;
  readonly client: ClientEnd;
  readonly lens: HttpLens;
  readonly #waiting: Waiting;
  readonly #minutes: Minutes;
  readonly #onEnd: () => void;

  constructor(waiting: Waiting, backing: Backing, id: number, onEnd: () => void) {
    const { client, dialect, read } = waiting;
    this.#waiting = waiting;
    this.#onEnd = onEnd;
    this.settings = dialect.settings(backing.principal());
    this.client = new ClientEnd(client, read.head);
    const { veil } = backing;
    this.#minutes = new Minutes(id, (text) => (veil?.inspects === true ? veil.inspect(text) : text));
    const path = { ...read.target, path: read.route.path };
    const conversation = dialect.conversation({ head: read.head, target: path }, backing);
    if (conversation.bodyLimitBytes > 0 && read.expectsContinue) this.client.goOn();
    this.lens = new HttpLens({
      conversation,
      hasBody: read.head.hasBody,
      answer: (denial) => this.#answer(denial),
      notice: (text, hint) => waiting.notice(text, hint),
      addressed: (reply: Reply): Reply => ({ ...reply, head: addressed(reply.head, read.route.prefix) }),
      minutes: this.#minutes,
    });
  }

  begin(): Buffer {
    this.#waiting.served();
    return Buffer.alloc(0);
  }

  farewell(denial: Denial): Buffer {
    this.#minutes.over('broken off');
    return this.lens.hasReplied ? abortFrame(denial.message) : this.#answer(denial);
  }

  fail(denial: Denial): void {
    this.client.end(this.#answer(denial));
    this.client.resume();
    this.#onEnd();
  }

  record(scribe: Scribe): void {
    this.#minutes.begin(scribe);
  }

  end(): void {
    this.#minutes.over('broken off');
    this.#onEnd();
  }

  #answer(denial: Denial): Buffer {
    const { dialect, read } = this.#waiting;
    const problem = problemOf(denial);
    return replyFrames(problem, dialect.answer(problem), read.head.method === 'HEAD');
  }
}

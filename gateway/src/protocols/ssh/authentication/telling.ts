import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { AuthContext, Connection, KeyboardAuthContext } from 'ssh2';
import { plainLines, sendBanner } from '../banner.ts';

/** Nothing passes while a person is at the browser: networks forget a connection that is silent for longer. */
const SIGN_OF_LIFE_MS = 20_000;

/** What is said to somebody who is not let in yet: by questions without an answer, or by banners. */
export class Telling {
  readonly #connection: Connection;
  readonly #queue: string[] = [];
  #context: KeyboardAuthContext | undefined;
  #isAsked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** In the form that `context` has. */
  say(context: AuthContext | undefined, text: string, hint: string): void {
    if (context?.method !== 'keyboard-interactive') return sendBanner(this.#connection, plainLines(text, hint));
    this.#context = context;
    this.#queue.push(plainLines(text, hint));
    this.#ask();
    this.#timer ??= setInterval(() => this.#ask(), SIGN_OF_LIFE_MS).unref();
  }

  /** @see RFC 4252, 5.4 */
  banner({ message, hint }: Denial): void {
    sendBanner(this.#connection, plainLines(message, hint));
  }

  /** Nothing more is to be said in this attempt. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#context = undefined;
    this.#isAsked = false;
    this.#queue.length = 0;
  }

  /** One at a time: a client answers each, with no answers, at once. @see RFC 4256, 3.2 */
  #ask(): void {
    const context = this.#context;
    if (context === undefined || this.#isAsked) return;
    this.#isAsked = true;
    context.prompt([], '', this.#queue.shift() ?? '', () => {
      this.#isAsked = false;
      if (this.#queue.length > 0) this.#ask();
    });
  }
}

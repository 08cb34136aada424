import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Connection } from 'ssh2';
import type { Backing, Exchange, Greeting, Visitor } from '../protocol.ts';
import { Arrivals } from './arrivals.ts';
import { plainLines, sendBanner } from './banner.ts';
import { type Channel, listen } from './channels.ts';
import { SshExchange } from './exchange.ts';
import type { Offer, SignIn } from './sign-in.ts';

/** Wrong secrets that one connection may offer. */
const MAX_ATTEMPTS = 4;

/** One client's connection: whoever signs in with it opens channels. */
export class SshVisitor implements Visitor {
  readonly greeting: Greeting;
  readonly #client: Connection;
  readonly #signIn: SignIn;
  readonly #channels = new Arrivals<Channel>();
  readonly #closed: Promise<void>;
  #offer: Offer | undefined;
  #attempts = 1;

  constructor(client: Connection, signIn: SignIn, greeting: Greeting) {
    this.greeting = greeting;
    this.#client = client;
    this.#signIn = signIn;
    this.#closed = new Promise((resolve) => {
      client.once('close', () => {
        this.#channels.end();
        resolve();
      });
    });
    listen(client, (channel) => this.#channels.put(channel));
  }

  async askSecret(signal: AbortSignal): Promise<string | undefined> {
    const late = new Promise<undefined>((resolve) =>
      signal.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    this.#offer = await Promise.race([this.#signIn.next(), late]);
    return this.#offer?.secret;
  }

  tell(text: string, hint: string): void {
    sendBanner(this.#client, plainLines(text, hint));
  }

  async gone(signal: AbortSignal): Promise<void> {
    const given = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    if (!signal.aborted) await Promise.race([this.#closed, given]);
  }

  async *welcome(backing: Backing): AsyncGenerator<Exchange, void, undefined> {
    const leave = (): void => void this.#client.end();
    backing.signal.addEventListener('abort', leave, { once: true });
    this.#offer?.accept();
    this.#offer = undefined;
    for await (const channel of this.#channels) {
      const exchange = new SshExchange(channel.opening, backing);
      channel.port = exchange.port;
      yield exchange;
    }
  }

  /** Whether somebody who was not believed may try again: they are told why, and asked anew. */
  async again(denial: Denial): Promise<boolean> {
    this.#attempts += 1;
    if (this.#offer === undefined || this.#attempts > MAX_ATTEMPTS) return false;
    this.tell(denial.message, denial.hint ?? '');
    this.#offer.reject();
    this.#offer = undefined;
    return true;
  }

  async turnAway(denial: Denial): Promise<void> {
    if (this.#offer !== undefined) this.tell(denial.message, denial.hint ?? '');
    this.#offer?.reject();
    this.#offer = undefined;
    this.#signIn.end();
    this.#channels.end();
    this.#client.end();
  }
}

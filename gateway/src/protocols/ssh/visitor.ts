import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Connection } from 'ssh2';
import type { Backing, Exchange, Greeting, Proof, Visitor } from '../protocol.ts';
import { Arrivals } from './arrivals.ts';
import type { Authentication } from './authentication/authentication.ts';
import { type Channel, listen } from './channels.ts';
import { SshExchange } from './exchange.ts';

/** One client's connection: whoever signs in with it opens channels. */
export class SshVisitor implements Visitor {
  readonly greeting: Greeting;
  readonly #client: Connection;
  readonly #authentication: Authentication;
  readonly #channels = new Arrivals<Channel>();

  constructor(client: Connection, authentication: Authentication, greeting: Greeting) {
    this.greeting = greeting;
    this.#client = client;
    this.#authentication = authentication;
    client.once('close', () => this.#channels.end());
    listen(client, (channel) => this.#channels.put(channel));
  }

  askProof(signal: AbortSignal): Promise<Proof | undefined> {
    return this.#authentication.next(signal);
  }

  /** A secret of any kind but keys; nothing asks for one where `askProof` is there. */
  async askSecret(signal: AbortSignal): Promise<string | undefined> {
    const proof = await this.askProof(signal);
    return proof?.kind === 'secret' ? proof.secret : undefined;
  }

  tell(text: string, hint: string): void {
    this.#authentication.tell(text, hint);
  }

  gone(signal: AbortSignal): Promise<void> {
    return this.#authentication.gone(signal);
  }

  async *welcome(backing: Backing): AsyncGenerator<Exchange, void, undefined> {
    const leave = (): void => void this.#client.end();
    backing.signal.addEventListener('abort', leave, { once: true });
    this.#authentication.accept();
    for await (const channel of this.#channels) {
      const exchange = new SshExchange(channel.opening, backing);
      channel.port = exchange.port;
      yield exchange;
    }
  }

  async again(denial: Denial): Promise<boolean> {
    return this.#authentication.refuse(denial);
  }

  async turnAway(denial: Denial): Promise<void> {
    this.#authentication.end(denial);
    this.#channels.end();
  }
}

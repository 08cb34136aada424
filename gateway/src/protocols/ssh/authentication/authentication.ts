import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { readOffer } from '@sallyport/shared/wire/ssh/userauth.ts';
import type { AuthContext, Connection, KeyboardAuthContext, PublicKeyAuthContext } from 'ssh2';
import type { Proof } from '../../protocol.ts';
import { atMost } from './request-limit.ts';
import { algorithmOf, proofOf } from './ssh2-proof.ts';
import { Telling } from './telling.ts';

type Method = 'publickey' | 'keyboard-interactive' | 'password';

/** Proofs that were refused of one connection, and requests of any kind: an agent may hold many keys. */
const MAX_REFUSED = { key: 20, secret: 4, link: 2 } as const;
const MAX_REQUESTS = 100;
/** Longer than any token. */
const MAX_SECRET_CHARS = 8192;
const methods: Method[] = ['publickey', 'keyboard-interactive', 'password'];

interface Pending {
  readonly context: AuthContext;
  readonly proof: Proof;
}

export interface AuthenticationOptions {
  /** The blob of the authority whose certificates are taken. */
  readonly authority: Buffer;
}

/** How one SSH client proves who it is: the requests of RFC 4252, turned into one proof after another. */
export class Authentication {
  readonly #connection: Connection;
  readonly #authority: Buffer;
  readonly #begun = Promise.withResolvers<string | undefined>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #telling: Telling;
  /** Offered, and not asked for yet. */
  #pending: Pending | undefined;
  /** Handed out by `next`: what is decided on. Whatever the client sends besides is another matter. */
  #given: Pending | undefined;
  #waiting: (() => void) | undefined;
  #withdrawn = Promise.withResolvers<void>();
  readonly #refused = { key: 0, secret: 0, link: 0 };
  #links = 0;
  #isGone = false;
  #isIn = false;
  /** Of a key: told when no other key has done. */
  #lastWord: Denial | undefined;

  constructor(connection: Connection, { authority }: AuthenticationOptions) {
    this.#connection = connection;
    this.#authority = authority;
    this.#telling = new Telling(connection);
    atMost(MAX_REQUESTS, connection);
    connection.on('authentication', (context) => this.#hear(context));
    connection.once('close', () => this.#leave());
    connection.once('end', () => this.#leave());
  }

  /** The user name of the first request; undefined when the client left before. */
  get user(): Promise<string | undefined> {
    return this.#begun.promise;
  }

  /** The next proof; undefined when the client left, or the signal came first. */
  async next(signal: AbortSignal): Promise<Proof | undefined> {
    if (this.#pending === undefined && !this.#isGone && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      this.#waiting = undefined;
    }
    if (this.#isGone) return undefined;
    this.#given = this.#pending;
    this.#pending = undefined;
    return this.#given?.proof;
  }

  /** The proof did not do. False where the client may offer no other: `end` is to be called then. */
  refuse(denial: Denial): boolean {
    const given = this.#given;
    // Taken back by the client in the meantime: nobody waits for the answer.
    if (given === undefined || this.#isGone) return !this.#isGone;
    const { context, proof } = given;
    if (++this.#refused[proof.kind] >= MAX_REFUSED[proof.kind]) return false;
    this.#given = undefined;
    this.#telling.stop();
    // Most agents hold keys that are for other places: that one of them did not do is no news.
    if (proof.kind === 'key' && !proof.proof.isCertified) this.#lastWord = denial;
    else this.#telling.banner(denial);
    context.reject(methods);
    return true;
  }

  /** Lets the client in by the proof that `next` gave; it may open channels from now on. By no other is it ever let in. */
  accept(): void {
    this.#telling.stop();
    if (this.#given === undefined) return void this.#connection.end();
    this.#isIn = true;
    this.#given.context.accept();
    this.#given = undefined;
  }

  /** Turns the client away for good. */
  end(denial: Denial): void {
    this.#telling.stop();
    if (this.#given !== undefined) this.#telling.banner(denial);
    this.#given?.context.reject(methods);
    this.#given = undefined;
    this.#leave();
    this.#connection.end();
  }

  /** Tells the person something while they wait. */
  tell(text: string, hint: string): void {
    this.#telling.say(this.#given?.context, text, hint);
  }

  /** Settles when the client has left, or has taken its proof back to try another. */
  async gone(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isGone || (this.#given === undefined && !this.#isIn)) return;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.#closed.promise, this.#withdrawn.promise, aborted]);
  }

  #leave(): void {
    this.#isGone = true;
    this.#telling.stop();
    this.#begun.resolve(undefined);
    this.#closed.resolve();
    this.#waiting?.();
  }

  #hear(context: AuthContext): void {
    this.#begun.resolve(context.username);
    if (context.method !== 'publickey') this.#tellLastWord();
    switch (context.method) {
      case 'publickey':
        return this.#hearKey(context);
      case 'password':
        return this.#offerSecret(context, context.password);
      case 'keyboard-interactive':
        return this.#hearKeyboard(context);
      default:
        return context.reject(methods);
    }
  }

  /** Every key of a kind that is accepted may be tried: whose it is nobody learns without having it. */
  #hearKey(context: PublicKeyAuthContext): void {
    if (!this.#mayBeTried(context)) return context.reject(methods);
    const proof = proofOf(context);
    // To accept a question is to say "sign with it"; only `accept` of a proof lets anybody in.
    if (proof === undefined) return context.accept();
    this.#offer(context, { kind: 'key', proof });
  }

  #mayBeTried(context: PublicKeyAuthContext): boolean {
    try {
      const { certificate } = readOffer(algorithmOf(context), context.key.data);
      return certificate === undefined || certificate.authority.blob.equals(this.#authority);
    } catch {
      return false;
    }
  }

  /** A link first; whoever comes back, or asks for it with KbdInteractiveDevices=token, is asked for a token. */
  #hearKeyboard(context: KeyboardAuthContext): void {
    context.once('abort', () => this.#withdraw(context));
    const wantsToken = (context.submethods as readonly string[] | undefined)?.includes('token') === true;
    if (!wantsToken && this.#links++ === 0) return this.#offer(context, { kind: 'link' });
    const prompt = [{ prompt: 'Token (from "sallyport token"): ', echo: false }];
    context.prompt(prompt, 'Sallyport', '', (answers) => {
      // What it comes back with instead of answers: the client tries something else, and hears of that only.
      if (!Array.isArray(answers)) return;
      this.#offerSecret(context, answers[0] ?? '');
    });
  }

  #withdraw(context: AuthContext): void {
    if (this.#pending?.context === context) this.#pending = undefined;
    if (this.#given?.context !== context) return;
    this.#given = undefined;
    this.#telling.stop();
    this.#withdrawn.resolve();
    this.#withdrawn = Promise.withResolvers<void>();
  }

  #offerSecret(context: AuthContext, secret: string): void {
    if (secret === '' || secret.length > MAX_SECRET_CHARS) context.reject(methods);
    else this.#offer(context, { kind: 'secret', secret });
  }

  #offer(context: AuthContext, proof: Proof): void {
    this.#pending = { context, proof };
    this.#waiting?.();
  }

  #tellLastWord(): void {
    if (this.#lastWord !== undefined) this.#telling.banner(this.#lastWord);
    this.#lastWord = undefined;
  }
}

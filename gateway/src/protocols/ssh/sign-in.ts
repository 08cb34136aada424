import type { AuthContext, AuthenticationType, Connection } from 'ssh2';

/** A secret that somebody offers, and how they are told what became of it. */
export interface Offer {
  readonly secret: string;
  accept(): void;
  /** They may offer another one. */
  reject(): void;
}

/** Ways to prove oneself, best first. */
export const methods: readonly AuthenticationType[] = ['password', 'keyboard-interactive'];

/** Longer than any token. */
const MAX_SECRET_CHARS = 8192;

/** Hears one client's attempts to sign in (RFC 4252), one at a time. */
export class SignIn {
  #user: string | undefined;
  #begun = Promise.withResolvers<string | undefined>();
  #waiting: ((offer: Offer | undefined) => void) | undefined;
  #held: AuthContext | undefined;
  #isOver = false;

  constructor(client: Connection) {
    client.on('authentication', (context) => this.#hear(context));
    client.once('close', () => this.end());
  }

  /** The login name, once the client has offered a secret; undefined where it left before. */
  get user(): Promise<string | undefined> {
    return this.#begun.promise;
  }

  /** The next secret that is offered; undefined where the client left. */
  next(): Promise<Offer | undefined> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (this.#isOver) this.#give(undefined);
      const held = this.#held;
      this.#held = undefined;
      if (held !== undefined) this.#hear(held);
    });
  }

  end(): void {
    this.#isOver = true;
    this.#begun.resolve(undefined);
    this.#give(undefined);
  }

  #hear(context: AuthContext): void {
    const { method } = context;
    if (method !== 'password' && method !== 'keyboard-interactive') return context.reject([...methods]);
    this.#user ??= context.username;
    this.#begun.resolve(this.#user);
    // The first one is held until somebody asks for it.
    if (this.#waiting === undefined) this.#held = context;
    else if (context.method === 'password') this.#offer(context, context.password);
    else if (context.method === 'keyboard-interactive') {
      context.prompt([{ prompt: 'Sallyport token or password: ', echo: false }], (answers) => {
        const [secret] = Array.isArray(answers) ? answers : [];
        if (secret === undefined) context.reject([...methods]);
        else this.#offer(context, secret);
      });
    }
  }

  #offer(context: AuthContext, secret: string): void {
    if (secret.length > MAX_SECRET_CHARS) return context.reject([...methods]);
    this.#give({ secret, accept: () => context.accept(), reject: () => context.reject([...methods]) });
  }

  #give(offer: Offer | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(offer);
  }
}

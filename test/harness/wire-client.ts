import { connect, type Socket } from 'node:net';
import { passwordMessage } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';

export interface Message {
  readonly type: string;
  readonly body: Buffer;
}

export interface LoginOptions {
  readonly port: number;
  readonly database: string;
  readonly user?: string;
  readonly password?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

const answerTimeoutMs = 20_000;

/** Sends what it is told, keeps every byte that it gets, and cuts it into messages. */
export class WireClient {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #messages: Message[] = [];
  #woken: (() => void) | undefined;
  closed = false;
  /** What CancelRequest needs: the body of BackendKeyData. */
  key: Buffer | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#woken?.();
    });
  }

  /** Connected, nothing sent. */
  static bare(port: number): WireClient {
    return new WireClient(connect(port, '127.0.0.1'));
  }

  /** Logged in, or `closed`. */
  static async open({ port, database, user, password, settings }: LoginOptions): Promise<WireClient> {
    const client = WireClient.bare(port);
    client.send(startupMessage(Object.entries({ user: user ?? 'anybody', database, ...settings })));
    if (password !== undefined) client.send(passwordMessage(password));
    const greeting = await client.ready();
    client.key = greeting.find(({ type }) => type === 'K')?.body;
    return client;
  }

  /** Every byte that came since `forget`. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** What came so far is of no more interest. */
  forget(): void {
    this.#received = [];
  }

  send(...bytes: readonly Uint8Array[]): void {
    if (!this.closed) this.#socket.write(Buffer.concat(bytes));
  }

  /** Everything up to the nth ReadyForQuery from now, or the end of the connection. */
  ready(count = 1): Promise<Message[]> {
    return this.until('Z', count);
  }

  /** Everything up to the nth message of a type, or the end of the connection. @throws Error after 20 s */
  async until(type: string, count = 1): Promise<Message[]> {
    const deadline = Date.now() + answerTimeoutMs;
    for (;;) {
      let seen = 0;
      const at = this.#messages.findIndex((message) => message.type === type && ++seen === count);
      if (at >= 0) return this.#messages.splice(0, at + 1);
      if (this.closed) return this.#messages.splice(0);
      if (Date.now() >= deadline) {
        const got = this.#messages.map((message) => message.type).join('');
        throw new Error(`no ${type} came within ${answerTimeoutMs} ms, only ${got || 'nothing'}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        this.#woken = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Sends, and waits for one ReadyForQuery. */
  ask(...bytes: readonly Uint8Array[]): Promise<Message[]> {
    this.send(...bytes);
    return this.ready();
  }

  async end(): Promise<void> {
    if (this.closed) return;
    const gone = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.destroy();
    await gone;
  }

  #take(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    let at = 0;
    while (this.#pending.length - at >= 5) {
      const end = at + 1 + this.#pending.readUInt32BE(at + 1);
      if (end > this.#pending.length) break;
      this.#messages.push({
        type: String.fromCharCode(this.#pending[at] ?? 0),
        body: this.#pending.subarray(at + 5, end),
      });
      at = end;
    }
    this.#pending = this.#pending.subarray(at);
    this.#woken?.();
  }
}

/** SQLSTATE and message of the first error; undefined where there is none. */
export function errorOf(messages: readonly Message[]): string | undefined {
  const error = messages.find(({ type }) => type === 'E');
  if (error === undefined) return undefined;
  const fields = error.body.toString('utf8').split('\0');
  const of = (letter: string) => fields.find((field) => field.startsWith(letter))?.slice(1) ?? '';
  return `${of('C')} ${of('M')}`;
}

export const rowsOf = (messages: readonly Message[]): number => messages.filter(({ type }) => type === 'D').length;

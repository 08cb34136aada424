import type { Duplex } from 'node:stream';
import type { Action } from '@sallyport/shared/access/action.ts';
import type { Connection, ProtocolName } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial, RowLimit } from '@sallyport/shared/access/verdict.ts';
import type { TargetGreeting } from '@sallyport/shared/tunnel/opening.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';

/** One kind of client. It turns a socket into exchanges and explains them; the gateway decides everything else. */
export interface Protocol {
  readonly name: ProtocolName;
  /**
   * Hears a new connection out until it is known who asks for what.
   * Resolves to undefined when there is nothing more to do (a cancel request, a client that went away).
   * @throws WireError on bytes that are not the protocol's; the error has been told to the client.
   */
  greet(socket: Duplex, origin: Origin, signal: AbortSignal): Promise<Visitor | undefined>;
}

/** Where a connection comes from. */
export interface Origin {
  /** IP address, no port. */
  readonly address: string;
  /** False where bytes cross a network in the clear unless the protocol itself encrypts. */
  readonly loopback: boolean;
}

/** What a visitor said of itself. Nothing of it is believed. */
export interface Greeting {
  readonly protocol: ProtocolName;
  readonly user: string;
  /** The connection's name as the client wrote it. */
  readonly connection: string;
  readonly origin: Origin;
  /** It has no secret and asks to sign in with a browser instead. */
  readonly wantsLink?: boolean;
  /** The client program, where it says so. */
  readonly application: string | undefined;
}

/** A client's proof that it has a key. Nothing of it is believed. @see RFC 4252, 7 */
export interface KeyProof {
  readonly algorithm: string;
  /** It comes in a certificate. */
  readonly isCertified: boolean;
  /** The key's blob, or its certificate's. */
  readonly key: Buffer;
  /** What was signed: this connection's session identifier and the request. */
  readonly signed: Buffer;
  /** `string algorithm, string bytes`. */
  readonly signature: Buffer;
}

/** What a visitor proves itself with. `link`: it has nothing and asks to sign in with a browser. */
export type Proof =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'key'; readonly proof: KeyProof }
  | { readonly kind: 'link' };

/** Said hello, admitted to nothing. */
export interface Visitor {
  readonly greeting: Greeting;
  /** Asks for the secret in the protocol's own form; undefined when the client left. */
  askSecret(signal: AbortSignal): Promise<string | undefined>;
  /** For clients with several ways to prove themselves: the next one, undefined when the client left. In place of `askSecret`. */
  askProof?(signal: AbortSignal): Promise<Proof | undefined>;
  /** Tells the person something while they wait to be let in. */
  tell(text: string, hint: string): void;
  /** Settles when the client has gone away. Does not take what it sends. */
  gone(signal: AbortSignal): Promise<void>;
  /** The exchanges of an admitted session, as the client opens them: one for PostgreSQL, one a channel for SSH. */
  welcome(backing: Backing): AsyncIterable<Exchange>;
  turnAway(denial: Denial): Promise<void>;
  /**
   * Somebody who was not believed may try again: tells them why and resolves to whether they do. Without it one attempt is
   * all there is.
   */
  again?(denial: Denial): Promise<boolean>;
}

/** What an admitted session gives its exchanges to work with. */
export interface Backing {
  readonly connection: Connection;
  /** Who it is, with the groups of now. */
  readonly principal: () => Principal;
  /** Where the connection leads: what is known of a target is known of every session with the same place. */
  readonly place: string;
  /** What may be seen; undefined where no mask concerns the session, so that replies need not be read. */
  readonly veil: Veil | undefined;
  /** A rule reads `action.estimatedRows`: the target's planner is to be asked. */
  readonly estimates: boolean;
  /** A rule reads `action.body`, or people may be asked: what a request's body says is to be known. */
  readonly readsBody: boolean;
  /** A rule judges by effects: what functions of the target do is to be known. */
  readonly judgesEffects: boolean;
  /** Whether a volatile function of the target's, `schema.name`, was declared to have no effect that rules care for. */
  isHarmlessFunction(name: string): boolean;
  /** A stream of the gateway's own to the same target: for its catalogue and its planner, never for the client. */
  side(settings: Readonly<Record<string, string>>, signal: AbortSignal): Promise<TunnelStream>;
  /** Aborted when the session is over. */
  readonly signal: AbortSignal;
}

/** One pair of lanes: requests in, replies out. */
export interface Exchange {
  /** Judged before any stream to the target is opened. */
  readonly opening: Action;
  /** For the agent: what the target's session is to be started with. */
  readonly settings: Readonly<Record<string, string>>;
  /** The client's end. Only the relay reads it and writes it. */
  readonly client: Duplex;
  readonly lens: Lens;
  /** What the client is told once the target is there. `cancel` asks the target to stop what runs. */
  begin(target: TargetGreeting, cancel: () => Promise<void>): Buffer;
  /** The last thing that the client is told when the exchange ends for a reason of ours. */
  farewell(denial: Denial): Buffer;
  /**
   * The target could not be reached: told on this exchange, which is over; the session goes on. Without it the session
   * is over as well.
   */
  fail?(denial: Denial): void;
  /** Called once before the first byte where the lens says itself what of the exchange is kept; otherwise it is every reply as sent. */
  record?(scribe: Scribe): void;
  /** Called once when the exchange is over. */
  end(): void;
}

/** Keeps what happens in one exchange, for replay. What a call returned from is kept. @throws Unavailable: the session ends. */
export interface Scribe {
  /** A terminal, or the output streams of a command. */
  readonly terminal: TerminalScribe;
  /** Whatever else is to be seen in a replay. `facts` is told in JSON and holds nothing that the client may not see. */
  note(type: string, facts: Readonly<Record<string, unknown>>): void;
}

export interface TerminalScribe {
  /** What the client is about to get: before it is sent, with what masking left. */
  output(bytes: Uint8Array): void;
  /** The same of stderr, where the exchange keeps it apart. */
  error(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  /** What the client typed; kept only as far as the target echoes it. */
  input(bytes: Uint8Array): void;
  exit(exit: Exit): void;
  transfer(transfer: Transfer): void;
}

export interface Exit {
  readonly code?: number;
  /** Without SIG, as SSH has it (RFC 4254, 6.10). */
  readonly signal?: string;
}

/** How a file went over: with SFTP, scp, rsync, `kubectl cp`. */
export interface Transfer {
  readonly name: string;
  /** `in`: to the target. */
  readonly direction: 'in' | 'out';
  readonly bytes: number;
  /** Of the contents, in hexadecimal; empty where they did not go over whole. */
  readonly sha256: string;
  /** Where a copy of the contents is kept. */
  readonly copy?: string;
}

/** Bytes that go to the target together, and what they ask. */
export interface Request {
  /** Whole messages, or a part of a long one, as they arrived. */
  readonly bytes: Buffer;
  /** What they ask; absent where there is nothing to judge (flow control, data of a judged statement). */
  readonly ask: Ask | undefined;
  /** The client is answered with this in its turn, and nothing goes to the target. */
  readonly answer?: Buffer;
}

export interface Ask {
  /**
   * `prepare`: nothing happens yet, so only a deny matters; the same action is asked again with its parameters.
   * `perform`: it happens: it is judged, journalled, recorded.
   */
  readonly stage: 'prepare' | 'perform';
  /** A promise where it takes longer to know than the event loop should wait. */
  readonly matter: Matter | Promise<Matter>;
}

/** What is to be judged. */
export interface Matter {
  readonly action: Action;
  /** One object for every execution of one statement, whatever its parameters: verdicts are remembered by it. */
  readonly basis: object;
  /** What protected values it would show; absent without a veil. */
  readonly exposure?: Exposure;
}

/** What an action makes of protected values, worked out by the lens under its veil. */
export interface Exposure {
  /** The masks that its results will be shown through. */
  readonly masks: readonly string[];
  /** Why it would reveal values in a way that no mask can cover: it is refused then. */
  readonly reveals?: { readonly mask: string | undefined; readonly message: string; readonly hint: string };
}

/** What goes to the target and to the client in place of a refused request. */
export interface Swap {
  readonly toTarget: Buffer | undefined;
  readonly toClient: Buffer | undefined;
}

/** Explains an exchange's frames. Holds the protocol's state; does no IO; decides nothing. */
export interface Lens {
  /** Cuts what arrived into requests, in order. @throws WireError: nothing of the rest may be forwarded. */
  requests(chunk: Buffer): readonly Request[];
  /** Puts a refusal where `request` would have been, so that the session lives on as after a native error. */
  refuse(request: Request, denial: Denial): Swap;
  /** A request that was allowed may return no more than this; past it the client gets a native error. */
  limit(request: Request, limit: RowLimit): void;
  /** Passes on what the client may see; most often the chunk itself. @throws WireError as above. */
  replies(chunk: Buffer, sink: (bytes: Buffer) => void): void;
  /** When `settle` is to be called at the latest, in milliseconds of `performance.now()`; undefined where nothing is held back. */
  readonly due?: number | undefined;
  /** Passes on what was held back and may be no longer. */
  settle?(sink: (bytes: Buffer) => void): void;
  /** Tells the person something between two messages; undefined where the protocol has no way right now. */
  notice(text: string, hint: string): Buffer | undefined;
}

/** A stored value's place: for PostgreSQL schema, table, column. */
export type ValuePath = readonly string[];

/** How a protected value is shown, by which mask. */
export interface Treatment {
  readonly mask: string;
  /** `redact`: a fixed mark, or nothing where the type has no room for one; `null`; `hash`: keyed, equal for equal values; `partial`: the last four. */
  readonly as: 'redact' | 'null' | 'hash' | 'partial';
  /** NULL is shown as if it were a value: of what is computed, whether there is one may tell what was compared. */
  readonly coversNull?: boolean;
}

/** What a session may see of values. Made by masking; asked by lenses; pure. */
export interface Veil {
  /** How the value stored there is shown; undefined: as it is. The strictest of the masks that match. */
  treatment(path: ValuePath): Treatment | undefined;
  /** Whether any column is protected at all; without it only detectors look at texts. */
  readonly protects: boolean;
  /** Whether any column of this relation may be protected: a quick way to know that nothing is. */
  mayProtect(path: readonly [schema: string, table: string]): boolean;
  /** For what is computed from protected values or comes from nobody knows where. */
  readonly unknown: Treatment;
  /** A text in place of `value`; undefined stands for no value (NULL). */
  replace(value: Buffer, treatment: Treatment): Buffer | undefined;
  /** Whether detectors look at texts. */
  readonly inspects: boolean;
  /** False where `inspect` would find nothing in `bytes[start, end)`: a look that costs next to nothing. */
  suspects(bytes: Uint8Array, start: number, end: number): boolean;
  /** The text with what detectors found replaced; the same buffer where they found nothing. */
  inspect(text: Buffer): Buffer;
  /** For what is no table: terminals, the output of commands, bodies. One for each stream that is looked at. */
  stream(options: StreamOptions): StreamVeil;
}

export interface StreamOptions {
  /** `terminal`: always text, with control sequences; `pipe`: text, unless its first bytes say that it is not. */
  readonly form: 'terminal' | 'pipe';
  /** Of the terminal, where there is one. */
  readonly columns?: number;
  /** For the audit. */
  readonly late?: (find: LateFind) => void;
}

/** A secret of which a part had left before the rest made it one: the rest was hidden. */
export interface LateFind {
  readonly mask: string;
  /** Of the secret, how much was shown. Bytes. */
  readonly shownBytes: number;
}

/** Replaces secrets in a stream of text. Only the end that may be the start of a secret is held back. */
export interface StreamVeil {
  /** What may leave now, of `chunk` and what was held. `nowMs` on any clock that only goes forward. */
  write(chunk: Buffer, nowMs: number): Buffer;
  /** All that is held, with what is a secret already replaced: at the deadline, and at the end of the stream. */
  flush(): Buffer;
  /** When `flush` is to be called, on the clock of `write`; undefined where nothing is held. */
  readonly deadline: number | undefined;
  /** True once the stream is known to be no text: it passes as it is. */
  readonly isBinary: boolean;
  resize(columns: number): void;
}

import { Duplex } from 'node:stream';
import {
  type ChannelRequest,
  type Control,
  controlFrame,
  type DataPart,
  dataHead,
  FrameCutter,
  type WindowSize,
} from '@sallyport/shared/wire/ssh/frames.ts';
import type { ServerChannel } from 'ssh2';

/** How a channel comes about: at once for a session, once the target agreed for a forwarded connection. */
export interface Opening {
  readonly request: ChannelRequest;
  /** Makes the channel. */
  readonly accept: () => ServerChannel | undefined;
  /** Says no to it where it is not made yet. */
  readonly reject: () => void;
}

/** What is read ahead of the relay. Bytes. */
const READ_AHEAD_BYTES = 64 * 1024;
const nothing = Buffer.alloc(0);

/** A client's channel as a stream of frames: what the client does is read from it, what is written to it is done to the client. */
export class ChannelPort extends Duplex {
  readonly #opening: Opening;
  readonly #cutter = new FrameCutter();
  #channel: ServerChannel | undefined;
  #isOver = false;
  #isHalfClosed = false;
  #exit: (() => void) | undefined;

  constructor(opening: Opening) {
    super({ readableHighWaterMark: READ_AHEAD_BYTES, writableHighWaterMark: READ_AHEAD_BYTES, allowHalfOpen: true });
    this.#opening = opening;
    this.push(controlFrame('open', opening.request));
    if (opening.request.request !== 'direct-tcpip') this.#take(opening.accept());
  }

  windowChange(size: WindowSize): void {
    if (!this.#isOver) this.push(controlFrame('windowChange', size));
  }

  signal(name: string): void {
    if (!this.#isOver) this.push(controlFrame('signal', { name }));
  }

  override _read(): void {
    this.#channel?.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    let full: NodeJS.WritableStream | undefined;
    try {
      for (const frame of this.#cutter.cut(chunk)) {
        if ('bytes' in frame) full = this.#show(frame) ?? full;
        else this.#do(frame);
      }
    } catch (error) {
      return done(error as Error);
    }
    if (full === undefined || this.#isOver) return done();
    this.#whenDrained(full, done);
  }

  override _final(done: () => void): void {
    this.#finish();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#isOver = true;
    this.#channel?.close();
    done(error);
  }

  #take(channel: ServerChannel | undefined): void {
    if (channel === undefined) {
      this.#over();
      return;
    }
    this.#channel = channel;
    channel.on('data', (bytes: Buffer) => {
      this.push(dataHead('data', bytes.length));
      if (!this.push(bytes)) channel.pause();
    });
    channel.on('end', () => this.#isOver || this.push(controlFrame('eof', null)));
    channel.on('close', () => this.#over());
    channel.on('error', () => this.#over());
    channel.stderr.on('error', () => this.#over());
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.push(controlFrame('close', null));
    this.push(null);
    // Nobody takes what is written from here on, and nobody waits for it.
    this.emit('channel-over');
  }

  /** Returns the stream that takes no more now. */
  #show({ type, bytes }: DataPart): NodeJS.WritableStream | undefined {
    const channel = this.#channel;
    if (channel === undefined || this.#isOver || bytes.length === 0) return undefined;
    const stream = type === 'data' ? channel : channel.stderr;
    return stream.write(bytes) ? undefined : stream;
  }

  #whenDrained(stream: NodeJS.WritableStream, done: () => void): void {
    const go = (): void => {
      stream.removeListener('drain', go);
      this.removeListener('channel-over', go);
      done();
    };
    stream.on('drain', go);
    this.on('channel-over', go);
  }

  #do(frame: Control): void {
    switch (frame.type) {
      case 'success':
        if (this.#channel === undefined) this.#take(this.#opening.accept());
        return;
      case 'failure':
        if (this.#channel !== undefined) return this.#finish();
        this.#opening.reject();
        return this.#over();
      case 'exitStatus': {
        const { code } = frame.payload;
        this.#exit = () => this.#channel?.exit(code);
        return;
      }
      case 'exitSignal': {
        const { name, coreDumped, message } = frame.payload;
        this.#exit = () => this.#channel?.exit(name, coreDumped, message);
        return;
      }
      case 'eof':
        // Of a session it goes with the exit: behind it the library sends no status any more.
        if (this.#opening.request.request === 'direct-tcpip') this.#flushed(() => this.#halfClose());
        return;
      case 'close':
        return this.#finish();
      default:
        return;
    }
  }

  /** Behind it the library takes no write, and calls nobody back. */
  #halfClose(): void {
    this.#channel?.eof();
    this.#isHalfClosed = true;
  }

  /** How it ended, and the end, behind all that was written. */
  #finish(): void {
    const channel = this.#channel;
    if (channel === undefined || this.#isOver) return;
    if (this.#isHalfClosed) return void channel.end();
    const exit = this.#exit;
    this.#exit = undefined;
    this.#flushed(() => {
      exit?.();
      channel.end();
    });
  }

  #flushed(then: () => void): void {
    const channel = this.#channel;
    if (channel === undefined || this.#isOver) return;
    channel.stderr.write(nothing, () => channel.write(nothing, then));
  }
}

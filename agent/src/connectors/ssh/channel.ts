import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import {
  type ChannelRequest,
  type Control,
  controlFrame,
  dataHead,
  FrameCutter,
  type Pty,
} from '@sallyport/shared/wire/ssh/frames.ts';
import type { Client, ClientChannel, PseudoTtyOptions } from 'ssh2';

/** How a command ended, as the target says it. */
type Exit =
  | { readonly code: number }
  | { readonly name: string; readonly coreDumped: boolean; readonly message: string };

/** Joins one exchange with one channel at the target, with backpressure both ways. */
export class TargetChannel {
  readonly #client: Client;
  readonly #stream: TunnelStream;
  readonly #cutter = new FrameCutter();
  #channel: ClientChannel | undefined;
  #isAsked = false;
  #isOver = false;
  /** What came before the target had agreed. */
  #early: (() => void)[] = [];
  #exit: Exit | undefined;

  constructor(client: Client, stream: TunnelStream) {
    this.#client = client;
    this.#stream = stream;
    stream.attach({
      onData: (bytes) => this.#hear(bytes),
      onDrain: () => this.#flow(),
      onEnd: () => this.close(),
      onClose: () => this.close(),
    });
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#channel?.close();
    this.#stream.end();
  }

  #hear(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      for (const frame of this.#cutter.cut(bytes)) {
        if (!('bytes' in frame)) this.#do(frame);
        else if (frame.bytes.length > 0) this.#whenOpen((channel) => this.#put(channel, frame.bytes));
      }
    } catch (error) {
      this.#channel?.close();
      this.#isOver = true;
      this.#stream.destroy(error as Error);
    }
  }

  #put(channel: ClientChannel, bytes: Buffer): void {
    if (channel.write(bytes)) return;
    this.#stream.pause();
    channel.once('drain', () => this.#stream.resume());
  }

  #whenOpen(then: (channel: ClientChannel) => void): void {
    const channel = this.#channel;
    if (channel !== undefined) return then(channel);
    // The gateway's credit bounds what can wait here.
    this.#early.push(() => this.#channel !== undefined && then(this.#channel));
  }

  #do(frame: Control): void {
    switch (frame.type) {
      case 'open':
        if (this.#isAsked) throw new Error('a channel is opened once');
        this.#isAsked = true;
        return this.#open(frame.payload);
      case 'eof':
        return this.#whenOpen((channel) => channel.end());
      case 'windowChange': {
        const { columns, rows, width, height } = frame.payload;
        return this.#whenOpen((channel) => channel.setWindow(rows, columns, height, width));
      }
      case 'signal': {
        const { name } = frame.payload;
        return this.#whenOpen((channel) => channel.signal(name));
      }
      case 'close':
        return this.close();
      default:
        throw new Error(`a gateway does not send ${frame.type}`);
    }
  }

  #open(request: ChannelRequest): void {
    const done = (error: Error | undefined, channel: ClientChannel): void => {
      if (error !== undefined && error !== null) return this.#failed(request, error);
      if (this.#isOver) return void channel.close();
      this.#begin(channel);
    };
    try {
      ask(this.#client, request, done as never);
    } catch (error) {
      this.#failed(request, error as Error);
    }
  }

  #failed(request: ChannelRequest, error: Error): void {
    if (this.#isOver) return;
    const message = `the target does not open it: ${what(request)} (${error.message.slice(0, 200)})`;
    this.#send(controlFrame('failure', { message }));
    this.#isOver = true;
    this.#stream.end();
  }

  #begin(channel: ClientChannel): void {
    this.#channel = channel;
    this.#send(controlFrame('success', null));
    channel.on('data', (bytes: Buffer) => this.#show('data', bytes));
    channel.stderr?.on('data', (bytes: Buffer) => this.#show('extendedData', bytes));
    channel.on('end', () => this.#send(controlFrame('eof', null)));
    channel.on('exit', (code: number | null, name?: string, dump?: string, message?: string) => {
      this.#exit =
        code === null
          ? { name: (name ?? '').replace(/^SIG/, ''), coreDumped: Boolean(dump), message: message ?? '' }
          : { code };
    });
    channel.on('close', () => this.#closed());
    channel.on('error', () => this.#closed());
    for (const each of this.#early.splice(0)) each();
  }

  /** The status goes behind all output: a client may leave when it has it. */
  #closed(): void {
    if (this.#isOver) return;
    const exit = this.#exit;
    if (exit !== undefined) {
      this.#send('code' in exit ? controlFrame('exitStatus', exit) : controlFrame('exitSignal', exit));
    }
    this.#send(controlFrame('close', null));
    this.#isOver = true;
    this.#stream.end();
  }

  #show(type: 'data' | 'extendedData', bytes: Buffer): void {
    if (this.#isOver) return;
    this.#stream.write(dataHead(type, bytes.length));
    if (this.#stream.write(bytes)) return;
    this.#channel?.pause();
    this.#channel?.stderr?.pause();
  }

  #flow(): void {
    this.#channel?.resume();
    this.#channel?.stderr?.resume();
  }

  #send(frame: Buffer): void {
    if (!this.#isOver) this.#stream.write(frame);
  }
}

function ask(
  client: Client,
  request: ChannelRequest,
  done: (error: Error | undefined, channel: ClientChannel) => void,
): void {
  switch (request.request) {
    case 'exec': {
      const { command, env, pty } = request;
      client.exec(command, { env: { ...env }, ...(pty === undefined ? {} : { pty: terminalOf(pty) }) }, done);
      return;
    }
    case 'shell':
      client.shell(request.pty === undefined ? false : terminalOf(request.pty), { env: { ...request.env } }, done);
      return;
    case 'subsystem':
      client.subsys(request.name, done as never);
      return;
    case 'direct-tcpip': {
      const { originHost, originPort, host, port } = request;
      client.forwardOut(originHost, originPort, host, port, done);
    }
  }
}

const terminalOf = ({ term, columns, rows, width, height, modes }: Pty): PseudoTtyOptions =>
  ({ term, cols: columns, rows, width, height, modes: { ...modes } }) as PseudoTtyOptions;

function what(request: ChannelRequest): string {
  if (request.request === 'direct-tcpip') return `a connection to ${request.host}:${request.port}`;
  return request.request === 'subsystem' ? `the subsystem ${request.name}` : `a channel for ${request.request}`;
}

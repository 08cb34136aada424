import type { Denial, RowLimit } from '@sallyport/shared/access/verdict.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import {
  type ChannelRequest,
  type Control,
  controlFrame,
  type DataPart,
  dataFrame,
  dataHead,
  type Frame,
  FrameCutter,
  type Pty,
} from '@sallyport/shared/wire/ssh/frames.ts';
import type { Lens, Request, Scribe, StreamVeil, Swap, Veil } from '../protocol.ts';
import { actionOf } from './actions.ts';
import { plainLines } from './banner.ts';
import { SftpInspector } from './sftp/inspector.ts';

/** As shells say that a command cannot be run. */
const REFUSED_STATUS = 126;
/** As ssh says that it failed itself. */
const FAILED_STATUS = 255;
/** A pseudo-terminal's `ECHO` is what the target echoes. */
const nothing = Buffer.alloc(0);
const now = (): number => performance.now();

/** Explains one channel: its request is judged, its output masked and kept. */
export class SshLens implements Lens {
  readonly #veil: Veil | undefined;
  readonly #asked = new FrameCutter();
  readonly #answered = new FrameCutter();
  #request: ChannelRequest | undefined;
  #scribe: Scribe | undefined;
  #output: StreamVeil | undefined;
  #errors: StreamVeil | undefined;
  #isRefused = false;
  #sftp: SftpInspector | undefined;
  /** Of requests for files, by which number to refuse them. */
  readonly #ids = new WeakMap<Request, number>();

  constructor(veil: Veil | undefined) {
    this.#veil = veil?.inspects === true ? veil : undefined;
  }

  record(scribe: Scribe): void {
    this.#scribe = scribe;
  }

  requests(chunk: Buffer): readonly Request[] {
    const found: Request[] = [];
    for (const frame of this.#asked.cut(chunk)) {
      if (this.#sftp !== undefined && 'bytes' in frame) this.#files(this.#sftp, frame.bytes, found);
      else {
        const request = this.#asks(frame);
        if (request !== undefined) found.push(request);
      }
    }
    return found;
  }

  refuse(request: Request, denial: Denial): Swap {
    const id = this.#ids.get(request);
    if (id !== undefined && this.#sftp !== undefined) {
      return { toTarget: undefined, toClient: dataFrame('data', this.#sftp.refuse(id, denial)) };
    }
    const { message, rule, hint } = denial;
    this.#isRefused = true;
    if (this.#request?.request === 'direct-tcpip') {
      return { toTarget: undefined, toClient: controlFrame('failure', { message }) };
    }
    const text = plainLines(rule === undefined ? message : `${message} (rule "${rule}")`, hint);
    return { toTarget: undefined, toClient: this.#parting(text, REFUSED_STATUS) };
  }

  limit(_: Request, __: RowLimit): void {}

  replies(chunk: Buffer, sink: (bytes: Buffer) => void): void {
    for (const frame of this.#answered.cut(chunk)) {
      if ('bytes' in frame) this.#shows(frame, sink);
      else this.#tells(frame, sink);
    }
  }

  get due(): number | undefined {
    const [output, errors] = [this.#output?.deadline, this.#errors?.deadline];
    return output === undefined || errors === undefined ? (output ?? errors) : Math.min(output, errors);
  }

  settle(sink: (bytes: Buffer) => void): void {
    this.#release('data', sink);
    this.#release('extendedData', sink);
  }

  notice(text: string, hint: string): Buffer | undefined {
    if (this.#request?.request === 'direct-tcpip') return undefined;
    const bytes = Buffer.from(`${plainLines(text, hint)}\r\n`);
    this.#scribe?.terminal.error(bytes);
    return dataFrame('extendedData', bytes);
  }

  farewell({ message, hint }: Denial): Buffer {
    return this.#parting(plainLines(message, hint), FAILED_STATUS);
  }

  /** What the client sends; undefined for what is dropped. */
  #asks(frame: Frame): Request | undefined {
    const { raw } = frame;
    if (this.#request === undefined) return this.#opens(frame);
    if (this.#isRefused) return undefined;
    if ('bytes' in frame) {
      if (this.#pty !== undefined) this.#scribe?.terminal.input(frame.bytes);
      return { bytes: raw, ask: undefined };
    }
    if (frame.type === 'windowChange') this.#resized(frame.payload.columns, frame.payload.rows);
    if (!clientTypes.has(frame.type)) throw unexpected(frame.type);
    return { bytes: raw, ask: undefined };
  }

  /** What an SFTP client asks: judged by request, answered here where it must not go on. */
  #files(sftp: SftpInspector, bytes: Buffer, found: Request[]): void {
    if (this.#isRefused) return;
    for (const asked of sftp.requests(bytes)) {
      if (asked.answer !== undefined)
        found.push({ bytes: nothing, answer: dataFrame('data', asked.answer), ask: undefined });
      else if (asked.ask === undefined) {
        found.push(
          { bytes: dataHead('data', asked.bytes.length), ask: undefined },
          { bytes: asked.bytes, ask: undefined },
        );
      } else {
        const { action, isLook, id } = asked.ask;
        const request: Request = {
          bytes: dataFrame('data', asked.bytes),
          ask: { stage: isLook ? 'prepare' : 'perform', matter: { action, basis: action } },
        };
        this.#ids.set(request, id);
        found.push(request);
      }
    }
  }

  /** The exchange is over. */
  end(): void {
    this.#sftp?.end();
  }

  #opens(frame: Frame): Request {
    if (frame.type !== 'open') throw unexpected(frame.type);
    this.#request = frame.payload;
    if (frame.payload.request === 'subsystem' && frame.payload.name === 'sftp') {
      this.#sftp = new SftpInspector((transfer) => this.#scribe?.terminal.transfer(transfer));
    }
    const action = actionOf(frame.payload);
    return { bytes: frame.raw, ask: { stage: 'perform', matter: { action, basis: action } } };
  }

  get #pty(): Pty | undefined {
    return this.#request !== undefined && 'pty' in this.#request ? this.#request.pty : undefined;
  }

  #resized(columns: number, rows: number): void {
    this.#scribe?.terminal.resize(columns, rows);
    this.#output?.resize(columns);
  }

  /** Output, with what masks hide, kept before it is shown. */
  #shows({ type, bytes, raw }: DataPart & { readonly raw: Buffer }, sink: (bytes: Buffer) => void): void {
    if (this.#sftp !== undefined && type === 'data') {
      return this.#sftp.replies(bytes, (part) => {
        sink(dataHead('data', part.length));
        sink(part);
      });
    }
    const stream = this.#stream(type);
    if (stream === undefined) {
      this.#keep(type, bytes);
      return sink(raw);
    }
    this.#pass(type, stream.write(bytes, now()), sink);
  }

  #release(type: DataPart['type'], sink: (bytes: Buffer) => void): void {
    const stream = type === 'data' ? this.#output : this.#errors;
    if (stream?.deadline !== undefined) this.#pass(type, stream.flush(), sink);
  }

  #pass(type: DataPart['type'], bytes: Buffer, sink: (bytes: Buffer) => void): void {
    if (bytes.length === 0) return;
    this.#keep(type, bytes);
    sink(dataHead(type, bytes.length));
    sink(bytes);
  }

  #keep(type: DataPart['type'], bytes: Buffer): void {
    if (bytes.length === 0 || this.#scribe === undefined || !this.#isText) return;
    if (type === 'data') this.#scribe.terminal.output(bytes);
    else this.#scribe.terminal.error(bytes);
  }

  /** Of forwarded connections and subsystems the bytes mean nothing to a reader. */
  get #isText(): boolean {
    return this.#request?.request === 'exec' || this.#request?.request === 'shell';
  }

  #stream(type: DataPart['type']): StreamVeil | undefined {
    if (this.#veil === undefined || !this.#isText) return undefined;
    const pty = this.#pty;
    const options = pty === undefined ? { form: 'pipe' as const } : { form: 'terminal' as const, columns: pty.columns };
    if (type === 'data') this.#output ??= this.#veil.stream(options);
    else this.#errors ??= this.#veil.stream(options);
    return type === 'data' ? this.#output : this.#errors;
  }

  #tells(frame: Control & { readonly raw: Buffer }, sink: (bytes: Buffer) => void): void {
    if (!targetTypes.has(frame.type)) throw unexpected(frame.type);
    // What is held back comes before the end.
    if (frame.type !== 'success') this.settle(sink);
    if (frame.type === 'success') this.#begun();
    if (frame.type === 'exitStatus') this.#scribe?.terminal.exit({ code: frame.payload.code });
    if (frame.type === 'exitSignal') this.#scribe?.terminal.exit({ signal: frame.payload.name });
    if (frame.type === 'failure') return sink(this.#parting(plainLines(frame.payload.message), FAILED_STATUS));
    sink(frame.raw);
  }

  #begun(): void {
    const pty = this.#pty;
    if (pty !== undefined) this.#scribe?.terminal.resize(pty.columns, pty.rows);
  }

  #parting(text: string, code: number): Buffer {
    if (this.#request?.request === 'direct-tcpip') return controlFrame('failure', { message: text });
    const bytes = Buffer.from(`${text}\r\n`);
    this.#scribe?.terminal.error(bytes);
    return Buffer.concat([
      dataFrame('extendedData', bytes),
      controlFrame('exitStatus', { code }),
      controlFrame('close', null),
    ]);
  }
}

const clientTypes = new Set<Frame['type']>(['eof', 'windowChange', 'signal', 'close']);
const targetTypes = new Set<Frame['type']>(['success', 'failure', 'eof', 'exitStatus', 'exitSignal', 'close']);

const unexpected = (type: string): WireError =>
  new WireError('ERR_WIRE_UNEXPECTED', `A frame ${type} has no place here.`);

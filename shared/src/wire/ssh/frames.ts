import { WireError } from '../../errors/errors.ts';

/**
 * What passes between gateway and agent for one channel: a byte that says what it is, four bytes of length, and the payload.
 * The names are RFC 4254's. Payloads of `data` and `extendedData` are bytes, all others JSON.
 */
export const frameTypes = {
  open: 1,
  data: 2,
  eof: 3,
  windowChange: 4,
  signal: 5,
  close: 6,
  success: 7,
  failure: 8,
  extendedData: 9,
  exitStatus: 10,
  exitSignal: 11,
} as const;

export type FrameType = keyof typeof frameTypes;
export type ControlType = Exclude<FrameType, 'data' | 'extendedData'>;

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
  /** Pixels; 0 where unknown. */
  readonly width: number;
  readonly height: number;
}

/** A pseudo-terminal (RFC 4254, 6.2). */
export interface Pty extends WindowSize {
  readonly term: string;
  /** Encoded terminal modes by name (RFC 4254, 8). */
  readonly modes: Readonly<Record<string, number>>;
}

interface SessionRequest {
  readonly pty?: Pty;
  readonly env: Readonly<Record<string, string>>;
}

/** The first frame of a channel: what it is for. */
export type ChannelRequest =
  | (SessionRequest & { readonly request: 'exec'; readonly command: string })
  | (SessionRequest & { readonly request: 'shell' })
  | (SessionRequest & { readonly request: 'subsystem'; readonly name: string })
  | {
      readonly request: 'direct-tcpip';
      readonly host: string;
      readonly port: number;
      readonly originHost: string;
      readonly originPort: number;
    };

/** The payload of each control frame. */
export interface ControlPayloads {
  readonly open: ChannelRequest;
  readonly eof: null;
  readonly windowChange: WindowSize;
  readonly signal: { readonly name: string };
  readonly close: null;
  readonly success: null;
  readonly failure: { readonly message: string };
  readonly exitStatus: { readonly code: number };
  readonly exitSignal: { readonly name: string; readonly coreDumped: boolean; readonly message: string };
}

export type Control = {
  readonly [T in ControlType]: { readonly type: T; readonly payload: ControlPayloads[T] };
}[ControlType];

/** A part of a stream as it arrived. */
export interface DataPart {
  readonly type: 'data' | 'extendedData';
  readonly bytes: Buffer;
}

/** `raw`: what came, to be passed on as it is. */
export type Frame = (Control | DataPart) & { readonly raw: Buffer };

export const HEAD_BYTES = 5;
/** Of the JSON of a control frame; a command may be long. */
export const MAX_CONTROL_BYTES = 512 * 1024;
/** Of one frame of data. */
export const MAX_DATA_BYTES = 1024 * 1024;

const names = Object.fromEntries(Object.entries(frameTypes).map(([name, type]) => [type, name])) as Readonly<
  Record<number, FrameType>
>;

/** What stands before `lengthBytes` of data: the bytes themselves follow uncopied. */
export function dataHead(type: 'data' | 'extendedData', lengthBytes: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head[0] = frameTypes[type];
  head.writeUInt32BE(lengthBytes, 1);
  return head;
}

/** A short text or reply as one frame. */
export const dataFrame = (type: 'data' | 'extendedData', bytes: Uint8Array): Buffer =>
  Buffer.concat([dataHead(type, bytes.length), bytes]);

export function controlFrame<T extends ControlType>(type: T, payload: ControlPayloads[T]): Buffer {
  const json = Buffer.from(JSON.stringify(payload));
  const frame = Buffer.allocUnsafe(HEAD_BYTES + json.length);
  frame[0] = frameTypes[type];
  frame.writeUInt32BE(json.length, 1);
  json.copy(frame, HEAD_BYTES);
  return frame;
}

const nothing = Buffer.alloc(0);

/** Cuts a stream into frames, wherever it was cut before. Data is passed on in parts, never held back. */
export class FrameCutter {
  /** The beginning of a head or of a control frame. */
  #held: Buffer = nothing;
  /** Of the frame of data that is passing. */
  #left = 0;
  #type: 'data' | 'extendedData' = 'data';

  /** @throws WireError: nothing behind may be believed */
  cut(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length) at = this.#left > 0 ? this.#data(chunk, at, at, frames) : this.#head(chunk, at, frames);
    return frames;
  }

  /** Whether the stream may end here. */
  get isWhole(): boolean {
    return this.#left === 0 && this.#held.length === 0;
  }

  #data(chunk: Buffer, from: number, at: number, frames: Frame[]): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    frames.push({ type: this.#type, bytes: chunk.subarray(at, end), raw: chunk.subarray(from, end) });
    return end;
  }

  #head(chunk: Buffer, at: number, frames: Frame[]): number {
    if (this.#held.length === 0 && chunk.length - at >= HEAD_BYTES) {
      const type = typeOf(chunk[at]!);
      const length = chunk.readUInt32BE(at + 1);
      if (type === 'data' || type === 'extendedData') {
        this.#begin(type, length);
        if (length === 0) frames.push({ type, bytes: nothing, raw: chunk.subarray(at, at + HEAD_BYTES) });
        return length === 0 ? at + HEAD_BYTES : this.#data(chunk, at, at + HEAD_BYTES, frames);
      }
    }
    return this.#control(chunk, at, frames);
  }

  #begin(type: 'data' | 'extendedData', length: number): void {
    if (length > MAX_DATA_BYTES) throw tooLarge(type, length);
    this.#type = type;
    this.#left = length;
  }

  /** What is not whole in this chunk waits for the rest: heads, and frames of control. */
  #control(chunk: Buffer, at: number, frames: Frame[]): number {
    const before = this.#held.length;
    const wanted = before < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + lengthOf(this.#held);
    const taken = Math.min(chunk.length - at, wanted - before);
    const held =
      before === 0 ? chunk.subarray(at, at + taken) : Buffer.concat([this.#held, chunk.subarray(at, at + taken)]);
    this.#held = held;
    if (held.length < HEAD_BYTES) return at + taken;
    const type = typeOf(held[0]!);
    if (type === 'data' || type === 'extendedData') {
      this.#held = nothing;
      this.#begin(type, held.readUInt32BE(1));
      frames.push({ type, bytes: nothing, raw: held });
      return at + taken;
    }
    if (held.length === HEAD_BYTES + lengthOf(held)) {
      this.#held = nothing;
      frames.push({ ...read(type, held), raw: held });
    }
    return at + taken;
  }
}

function lengthOf(held: Buffer): number {
  const length = held.readUInt32BE(1);
  if (length > MAX_CONTROL_BYTES) throw tooLarge(typeOf(held[0]!), length);
  return length;
}

function typeOf(byte: number): FrameType {
  const name = names[byte];
  if (name === undefined) throw new WireError('ERR_WIRE_MALFORMED', `There is no frame of type ${byte}.`);
  return name;
}

const tooLarge = (type: FrameType, length: number): WireError =>
  new WireError('ERR_WIRE_TOO_LARGE', `A frame ${type} of ${length} bytes is too large.`);

function read(type: ControlType, frame: Buffer): Control {
  let payload: unknown;
  try {
    payload = JSON.parse(frame.toString('utf8', HEAD_BYTES));
  } catch {
    throw malformed(type);
  }
  if (!checks[type](payload)) throw malformed(type);
  return { type, payload } as Control;
}

const malformed = (type: FrameType): WireError =>
  new WireError('ERR_WIRE_MALFORMED', `A frame ${type} does not say what it has to.`);

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff_ffff;
const isPort = (value: unknown): boolean => isCount(value) && Number(value) <= 0xffff;
const isNull = (value: unknown): boolean => value === null;
const isSize = (value: unknown): boolean =>
  isObject(value) && [value['columns'], value['rows'], value['width'], value['height']].every(isCount);
const isMap = (value: unknown, of: (one: unknown) => boolean): boolean =>
  isObject(value) && Object.values(value).every(of);
const isPty = (value: unknown): boolean =>
  isSize(value) && isObject(value) && isText(value['term']) && isMap(value['modes'], isCount);

function isRequest(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { request, pty, env } = value;
  if (request === 'direct-tcpip') {
    return isText(value['host']) && isText(value['originHost']) && isPort(value['port']) && isPort(value['originPort']);
  }
  if (!isMap(env, isText) || !(pty === undefined || isPty(pty))) return false;
  if (request === 'exec') return isText(value['command']);
  return request === 'shell' || (request === 'subsystem' && isText(value['name']));
}

const checks: Readonly<Record<ControlType, (payload: unknown) => boolean>> = {
  open: isRequest,
  eof: isNull,
  windowChange: isSize,
  signal: (payload) => isObject(payload) && isText(payload['name']),
  close: isNull,
  success: isNull,
  failure: (payload) => isObject(payload) && isText(payload['message']),
  exitStatus: (payload) => isObject(payload) && isCount(payload['code']),
  exitSignal: (payload) =>
    isObject(payload) &&
    isText(payload['name']) &&
    typeof payload['coreDumped'] === 'boolean' &&
    isText(payload['message']),
};

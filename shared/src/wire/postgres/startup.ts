import { WireError } from '../../errors/errors.ts';
import { MAX_CANCEL_KEY_BYTES, MAX_STARTUP_BYTES, MIN_CANCEL_KEY_BYTES } from './limits.ts';
import { MessageReader, openMessage } from './reader.ts';
import { Backend, StartupCode } from './types.ts';
import { MessageWriter } from './writer.ts';

const SECTION = 'PostgreSQL manual 55.7 "StartupMessage"';

interface Packet {
  /** Bytes of the packet; what the buffer holds behind it came too early (CVE-2021-23214) or is the next message. */
  readonly lengthBytes: number;
}
export interface SSLRequest extends Packet {
  readonly kind: 'SSLRequest';
}
export interface GSSENCRequest extends Packet {
  readonly kind: 'GSSENCRequest';
}
export interface CancelRequest extends Packet {
  readonly kind: 'CancelRequest';
  readonly processId: number;
  /** 4 bytes up to protocol 3.1, 4 to 256 from 3.2. */
  readonly secretKey: Buffer;
}
export interface StartupMessage extends Packet {
  readonly kind: 'StartupMessage';
  readonly major: number;
  readonly minor: number;
  /** In the order in which they came; `user` is always among them. */
  readonly parameters: ReadonlyMap<string, string>;
}
export type StartupPacket = SSLRequest | GSSENCRequest | CancelRequest | StartupMessage;

/**
 * The first packet of a connection, which has no type byte; undefined while it is not whole.
 * @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_TOO_LARGE, ERR_WIRE_UNSUPPORTED (a protocol other than 3)
 */
export function parseStartup(buffer: Buffer): StartupPacket | undefined {
  if (buffer.length < 4) return undefined;
  const lengthBytes = buffer.readUInt32BE(0);
  checkLength(lengthBytes);
  if (buffer.length < lengthBytes) return undefined;
  const reader = new MessageReader(buffer, 4, lengthBytes, SECTION);
  const code = reader.uint32();
  if (code === StartupCode.CancelRequest) return cancel(reader, lengthBytes);
  if (code === StartupCode.SSLRequest || code === StartupCode.GSSENCRequest) {
    reader.done();
    return { kind: code === StartupCode.SSLRequest ? 'SSLRequest' : 'GSSENCRequest', lengthBytes };
  }
  return startup(reader, code, lengthBytes);
}

function checkLength(lengthBytes: number): void {
  const where = { offsetBytes: 0, see: SECTION };
  if (lengthBytes < 8) throw new WireError('ERR_WIRE_MALFORMED', 'The startup packet is too short.', where);
  if (lengthBytes - 4 > MAX_STARTUP_BYTES) {
    throw new WireError('ERR_WIRE_TOO_LARGE', `The startup packet claims ${lengthBytes} bytes.`, where);
  }
}

function cancel(reader: MessageReader, lengthBytes: number): CancelRequest {
  const processId = reader.int32();
  const secretKey = reader.rest();
  if (secretKey.length < MIN_CANCEL_KEY_BYTES || secretKey.length > MAX_CANCEL_KEY_BYTES) {
    throw reader.malformed(`has a cancel key of ${secretKey.length} bytes`);
  }
  return { kind: 'CancelRequest', lengthBytes, processId, secretKey };
}

function startup(reader: MessageReader, code: number, lengthBytes: number): StartupMessage {
  const major = code >>> 16;
  if (major !== 3) {
    throw new WireError('ERR_WIRE_UNSUPPORTED', `Protocol ${major}.${code & 0xffff} is not spoken here.`, {
      offsetBytes: 4,
      see: SECTION,
    });
  }
  const parameters = new Map<string, string>();
  for (let name = reader.text(); name !== ''; name = reader.text()) {
    if (parameters.has(name)) throw reader.malformed(`has the parameter ${JSON.stringify(name)} twice`);
    parameters.set(name, reader.text());
  }
  reader.done();
  if (!parameters.get('user')) throw reader.malformed('names no user');
  return { kind: 'StartupMessage', lengthBytes, major, minor: code & 0xffff, parameters };
}

/** `minor` 0 for protocol 3.0, 2 for 3.2. */
export function startupMessage(parameters: Iterable<readonly [string, string]>, minor = 0): Buffer {
  const writer = new MessageWriter(undefined, 256).uint32((3 << 16) | minor);
  for (const [name, value] of parameters) writer.text(name).text(value);
  return writer.byte(0).finish();
}

export function sslRequest(): Buffer {
  return new MessageWriter().uint32(StartupCode.SSLRequest).finish();
}

export function gssencRequest(): Buffer {
  return new MessageWriter().uint32(StartupCode.GSSENCRequest).finish();
}

export function cancelRequest(processId: number, secretKey: Uint8Array): Buffer {
  return new MessageWriter().uint32(StartupCode.CancelRequest).int32(processId).bytes(secretKey).finish();
}

/** Tells a client what is spoken instead: 3.`newestMinor`, without the `_pq_.` options listed. */
export function negotiateProtocolVersion(newestMinor: number, unrecognized: readonly string[]): Buffer {
  // The manual says "minor version"; servers and libpq exchange the whole version word (3 << 16 | minor).
  const writer = new MessageWriter(Backend.NegotiateProtocolVersion).uint32((3 << 16) | newestMinor);
  writer.int32(unrecognized.length);
  for (const name of unrecognized) writer.text(name);
  return writer.finish();
}

export interface NegotiateProtocolVersion {
  readonly newestMinor: number;
  readonly unrecognized: readonly string[];
}

export function decodeNegotiateProtocolVersion(buffer: Buffer, start: number, end: number): NegotiateProtocolVersion {
  const reader = openMessage(buffer, start, end, Backend.NegotiateProtocolVersion, 'NegotiateProtocolVersion');
  const newestMinor = reader.uint32() & 0xffff;
  const count = reader.uint32();
  reader.expect(count, 1);
  const unrecognized = Array.from({ length: count }, () => reader.text());
  reader.done();
  return { newestMinor, unrecognized };
}

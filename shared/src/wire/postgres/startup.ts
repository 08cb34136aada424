import { WireError } from '../../errors/errors.ts';
import { MAX_STARTUP_BYTES } from './limits.ts';
import { MessageReader } from './reader.ts';
import { Backend } from './types.ts';
import { cstring, int32, message } from './writer.ts';

/** What may come first on a connection (PostgreSQL manual, 54.2.1). `lengthBytes` is all of it. */
export type StartupPacket = { readonly lengthBytes: number } & (
  | { readonly kind: 'SSLRequest' }
  | { readonly kind: 'GSSENCRequest' }
  | { readonly kind: 'CancelRequest'; readonly processId: number; readonly secretKey: Buffer }
  | {
      readonly kind: 'StartupMessage';
      readonly major: number;
      readonly minor: number;
      readonly parameters: ReadonlyMap<string, string>;
    }
);

const cancelCode = 80877102;
const sslCode = 80877103;
const gssCode = 80877104;
const see = 'PostgreSQL manual, 54.7, StartupMessage';

/**
 * Reads the first packet; undefined while more bytes are needed.
 * @throws WireError `ERR_WIRE_MALFORMED`, `ERR_WIRE_TOO_LARGE` as soon as the length says so.
 */
export function parseStartup(buffer: Buffer): StartupPacket | undefined {
  if (buffer.length < 4) return undefined;
  const lengthBytes = buffer.readInt32BE(0);
  if (lengthBytes < 8) throw malformed(`claims ${lengthBytes} bytes`);
  if (lengthBytes > MAX_STARTUP_BYTES) {
    throw new WireError('ERR_WIRE_TOO_LARGE', `the first packet claims ${lengthBytes} bytes`, { offsetBytes: 0, see });
  }
  if (buffer.length < lengthBytes) return undefined;
  const reader = new MessageReader('the first packet', buffer, 4, lengthBytes);
  const code = reader.int32();
  switch (code) {
    case sslCode:
      reader.end();
      return { kind: 'SSLRequest', lengthBytes };
    case gssCode:
      reader.end();
      return { kind: 'GSSENCRequest', lengthBytes };
    case cancelCode:
      return cancel(reader, lengthBytes);
    default:
      return startup(code, reader, lengthBytes);
  }
}

/** Keys have 4 to 256 bytes since protocol 3.2, and 4 before. */
function cancel(reader: MessageReader, lengthBytes: number): StartupPacket {
  const processId = reader.int32();
  if (reader.left < 4 || reader.left > 256) throw malformed(`holds a cancel key of ${reader.left} bytes`);
  return { kind: 'CancelRequest', lengthBytes, processId, secretKey: reader.bytes(reader.left) };
}

function startup(code: number, reader: MessageReader, lengthBytes: number): StartupPacket {
  const parameters = new Map<string, string>();
  for (;;) {
    const name = reader.cstring();
    if (name === '') break;
    if (parameters.has(name)) throw malformed(`names "${name}" twice`);
    parameters.set(name, reader.cstring());
  }
  reader.end();
  return { kind: 'StartupMessage', lengthBytes, major: code >>> 16, minor: code & 0xffff, parameters };
}

const malformed = (what: string) =>
  new WireError('ERR_WIRE_MALFORMED', `the first packet ${what}`, { offsetBytes: 0, see });

/** A StartupMessage of protocol 3.`minor`. */
export function startupMessage(parameters: ReadonlyMap<string, string>, minor = 0): Buffer {
  const pairs = [...parameters].flatMap(([name, text]) => [cstring(name), cstring(text)]);
  const body = Buffer.concat([int32((3 << 16) | minor), ...pairs, Buffer.of(0)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export const sslRequest = (): Buffer => int32(8, sslCode);

export const gssencRequest = (): Buffer => int32(8, gssCode);

export function cancelRequest(processId: number, secretKey: Uint8Array): Buffer {
  return Buffer.concat([int32(12 + secretKey.length, cancelCode, processId), secretKey]);
}

/** Says which minor version is served and which `_pq_.` options are not known. */
export function negotiateProtocolVersion(newestMinor: number, unrecognized: readonly string[]): Buffer {
  return message(
    Backend.NegotiateProtocolVersion,
    int32((3 << 16) | newestMinor, unrecognized.length),
    ...unrecognized,
  );
}

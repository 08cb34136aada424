import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { Filter } from '../../http/dialect.ts';
import type { StreamVeil, Veil } from '../../protocol.ts';

/** Of one frame. Bytes. */
const MAX_FRAME_BYTES = 1024 * 1024;
const nothing = Buffer.alloc(0);
/** Channels of `v4.channel.k8s.io` and `v5.channel.k8s.io` that people read. */
const STDOUT = 1;
const STDERR = 2;

interface Frame {
  /** FIN, reserved bits and opcode (RFC 6455, 5.2). */
  readonly first: number;
  readonly payload: Buffer;
  readonly lengthBytes: number;
}

/** What an exec or attach shows, over WebSocket, with what detectors find taken out. @throws WireError for other subprotocols */
export function webSocketFilter(veil: Veil, protocol: string): Filter {
  if (!/^v[45]\.channel\.k8s\.io$/.test(protocol)) {
    throw new WireError(
      'ERR_WIRE_UNSUPPORTED',
      `A mask applies to you here, and the streams go over ${protocol.slice(0, 40) || 'an old protocol'}`,
    );
  }
  const streams = new Map<number, StreamVeil>();
  const streamOf = (channel: number): StreamVeil => {
    const known = streams.get(channel);
    if (known !== undefined) return known;
    const made = veil.stream({ form: 'terminal' });
    streams.set(channel, made);
    return made;
  };
  let held: Buffer = nothing;
  const flushed = (): Buffer[] =>
    [...streams].flatMap(([channel, stream]) =>
      stream.deadline === undefined ? [] : [written(channel, stream.flush())],
    );
  const show = ({ first, payload, lengthBytes }: Frame, raw: Buffer): Buffer[] => {
    const opcode = first & 0x0f;
    if (opcode !== 2 || payload.length === 0) {
      if (opcode === 0 || opcode === 1)
        throw new WireError('ERR_WIRE_UNSUPPORTED', 'A mask applies to you here, and a message came in pieces');
      return opcode === 8 ? [...flushed(), raw.subarray(0, lengthBytes)] : [raw.subarray(0, lengthBytes)];
    }
    if ((first & 0xf0) !== 0x80)
      throw new WireError('ERR_WIRE_UNSUPPORTED', 'A mask applies to you here, and a message came in pieces');
    const channel = payload[0] as number;
    if (channel !== STDOUT && channel !== STDERR) return [...flushed(), raw.subarray(0, lengthBytes)];
    return [written(channel, streamOf(channel).write(payload.subarray(1), performance.now()))];
  };
  return {
    write(chunk) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const out: Buffer[] = [];
      for (let frame = frameOf(held); frame !== undefined; frame = frameOf(held)) {
        out.push(...show(frame, held));
        held = held.subarray(frame.lengthBytes);
      }
      return Buffer.concat(out);
    },
    end: () => Buffer.concat(flushed()),
    get due() {
      const all = [...streams.values()].map(({ deadline }) => deadline).filter((one) => one !== undefined);
      return all.length === 0 ? undefined : Math.min(...all);
    },
    settle: () => Buffer.concat(flushed()),
  };
}

/** A binary message on a channel, as a server sends it; nothing for nothing. */
function written(channel: number, bytes: Buffer): Buffer {
  if (bytes.length === 0) return nothing;
  const length = bytes.length + 1;
  const head =
    length < 126
      ? Buffer.of(0x82, length)
      : length <= 0xffff
        ? Buffer.of(0x82, 126, length >> 8, length & 0xff)
        : longHead(length);
  return Buffer.concat([head, Buffer.of(channel), bytes]);
}

function longHead(length: number): Buffer {
  const head = Buffer.alloc(10);
  head[0] = 0x82;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** The first whole frame; a server's frames are not masked (RFC 6455, 5.1). */
function frameOf(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = [bytes[0] as number, bytes[1] as number];
  if ((second & 0x80) !== 0)
    throw new WireError('ERR_WIRE_MALFORMED', 'The target masks its WebSocket frames, which servers do not');
  const short = second & 0x7f;
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (length > MAX_FRAME_BYTES)
    throw new WireError('ERR_WIRE_TOO_LARGE', 'A WebSocket frame is too large to be looked at');
  return bytes.length < at + length
    ? undefined
    : { first, payload: bytes.subarray(at, at + length), lengthBytes: at + length };
}

import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import { MAX_STARTUP_BYTES } from '@sallyport/shared/wire/postgres/limits.ts';
import { parseStartup, type StartupPacket } from '@sallyport/shared/wire/postgres/startup.ts';

const tlsHandshakeRecord = 0x16;

export type FirstPacket = Extract<StartupPacket, { kind: 'StartupMessage' | 'CancelRequest' }>;

/** A connection past its encryption, with the packet that says what it is for. */
export interface Opened {
  readonly socket: Duplex;
  readonly encrypted: boolean;
  readonly packet: FirstPacket;
}

/**
 * Encrypts where the client asks for it (SSLRequest or direct TLS), declines GSSAPI, and reads the first packet
 * (PostgreSQL manual, 54.2.1, 54.2.11). Undefined when the client left.
 * @throws WireError also for plaintext behind an SSLRequest (CVE-2021-23214).
 */
export async function openConnection(
  raw: Duplex,
  tls: SecureContext,
  signal: AbortSignal,
): Promise<Opened | undefined> {
  let socket = raw;
  let encrypted = false;
  let declined = false;
  for (;;) {
    const bytes = await readFirst(socket, !encrypted, signal);
    if (bytes === undefined) return undefined;
    if (bytes[0] === tlsHandshakeRecord) {
      if (encrypted || declined) throw unexpected('TLS within TLS');
      socket = await secure(socket, tls, bytes, true, signal);
      encrypted = true;
      continue;
    }
    const packet = parseStartup(bytes) as StartupPacket;
    const rest = bytes.subarray(packet.lengthBytes);
    if (packet.kind === 'StartupMessage' || packet.kind === 'CancelRequest') {
      if (rest.length > 0) socket.unshift(rest);
      return { socket, encrypted, packet };
    }
    if (rest.length > 0) throw unexpected(`bytes behind ${packet.kind}`);
    if (packet.kind === 'GSSENCRequest') {
      if (declined || encrypted) throw unexpected('another GSSENCRequest');
      declined = true;
      socket.write('N');
      continue;
    }
    if (encrypted) throw unexpected('another SSLRequest');
    socket.write('S');
    socket = await secure(socket, tls, undefined, false, signal);
    encrypted = true;
  }
}

/** Reads until the first packet is whole, or is the beginning of TLS. */
async function readFirst(socket: Duplex, mayBeTls: boolean, signal: AbortSignal): Promise<Buffer | undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await readChunk(socket, signal);
    if (chunk === undefined) return undefined;
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (mayBeTls && bytes[0] === tlsHandshakeRecord) return bytes;
    if (parseStartup(bytes) !== undefined) return bytes;
    if (bytes.length > MAX_STARTUP_BYTES) throw unexpected('a first packet without an end');
  }
}

/** What has arrived; undefined once the client has ended. @throws AbortError */
export async function readChunk(socket: Duplex, signal: AbortSignal): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) return chunk;
    if (socket.readableEnded || socket.destroyed) return undefined;
    const over = new AbortController();
    try {
      const options = { signal: AbortSignal.any([signal, over.signal]) };
      await Promise.race([
        once(socket, 'readable', options),
        once(socket, 'end', options),
        once(socket, 'close', options),
      ]);
    } finally {
      over.abort();
    }
  }
}

/** Settles when the client has gone or the signal is aborted; what it sends meanwhile stays unread. */
export function departure(socket: Duplex, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // An end is only noticed by whoever reads; with nothing buffered a read takes nothing away.
    const look = (): void => {
      if (socket.readableLength === 0) socket.read(0);
    };
    const settle = (): void => {
      socket.off('readable', look).off('end', settle).off('close', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    if (socket.destroyed || socket.readableEnded || signal.aborted) return resolve();
    socket.on('readable', look).on('end', settle).on('close', settle);
    signal.addEventListener('abort', settle, { once: true });
  });
}

async function secure(
  socket: Duplex,
  secureContext: SecureContext,
  first: Buffer | undefined,
  direct: boolean,
  signal: AbortSignal,
): Promise<TLSSocket> {
  if (first !== undefined) socket.unshift(first);
  const tls = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['postgresql'] });
  await once(tls, 'secure', { signal });
  if (direct && tls.alpnProtocol !== 'postgresql') {
    tls.destroy();
    throw unexpected('direct TLS without the ALPN protocol "postgresql"');
  }
  return tls;
}

const unexpected = (what: string) =>
  new WireError('ERR_WIRE_UNEXPECTED', `the client sent ${what}`, { see: 'PostgreSQL manual, 54.2' });

import type { Connection } from 'ssh2';

const SSH_MSG_USERAUTH_BANNER = 53;

/** What is private in ssh2 1.17.0 and of use here; a test with a real client shows that it still works. */
interface PrivateProtocol {
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(size: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
  /** Set while keys are exchanged: nothing else may be sent then. */
  readonly _kexinit: unknown;
}

/** Shows a text to somebody who is signing in: ssh prints it at once (RFC 4252, 5.4). The library sends one at the beginning only. */
export function sendBanner(client: Connection, text: string): void {
  const protocol = (client as unknown as { readonly _protocol: PrivateProtocol })._protocol;
  if (protocol._kexinit !== undefined) return;
  const { write } = protocol._packetRW;
  const message = Buffer.from(`${text}\r\n`);
  const packet = write.alloc(1 + 4 + message.length + 4);
  let at = write.allocStart;
  packet[at] = SSH_MSG_USERAUTH_BANNER;
  at = packet.writeUInt32BE(message.length, at + 1);
  message.copy(packet, at);
  packet.writeUInt32BE(0, at + message.length);
  protocol._cipher.encrypt(write.finalize(packet));
}

/** Lines that a terminal shows as they are: nothing in them moves the cursor. */
export const plainLines = (...lines: readonly (string | undefined)[]): string =>
  lines
    .filter((line) => line !== undefined && line !== '')
    .map((line) => `sallyport: ${line?.replace(/[\p{Cc}]+/gu, ' ')}`)
    .join('\r\n');

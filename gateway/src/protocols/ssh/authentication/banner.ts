import { string } from '@sallyport/shared/wire/ssh/fields.ts';
import type { Connection } from 'ssh2';

const USERAUTH_BANNER = 53;

/** What of ssh2's protocol object (1.17) is used here: it has no method for banners after the first request. */
interface Inner {
  readonly _kexinit: unknown;
  readonly _cipher: { encrypt(packet: Buffer): void };
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(lengthBytes: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
}

/** Shows a text to somebody who is not let in yet; nothing while keys are exchanged. @see RFC 4252, 5.4 */
export function sendBanner(connection: Connection, text: string): void {
  const { _protocol: inner } = connection as unknown as { _protocol?: Partial<Inner> };
  const { _cipher: cipher, _packetRW: packets } = inner ?? {};
  if (cipher === undefined || packets === undefined || inner?._kexinit !== undefined) return;
  const payload = Buffer.concat([Buffer.of(USERAUTH_BANNER), string(text), string('')]);
  const packet = packets.write.alloc(payload.length);
  payload.copy(packet, packets.write.allocStart);
  cipher.encrypt(packets.write.finalize(packet));
}

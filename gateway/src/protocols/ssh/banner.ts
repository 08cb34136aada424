import { string } from '@sallyport/shared/wire/ssh/fields.ts';
import { protocolOf, sendPacket } from '@sallyport/shared/wire/ssh/library-packet.ts';
import type { Connection } from 'ssh2';

const SSH_MSG_USERAUTH_BANNER = 53;

/** Shows a text to somebody who is signing in: ssh prints it at once (RFC 4252, 5.4). The library sends one at the beginning only. */
export function sendBanner(client: Connection, text: string): void {
  const banner = Buffer.concat([Buffer.of(SSH_MSG_USERAUTH_BANNER), string(`${text}\r\n`), string('')]);
  sendPacket(protocolOf(client), banner);
}

/** Lines that a terminal shows as they are: nothing in them moves the cursor. */
export const plainLines = (...lines: readonly (string | undefined)[]): string =>
  lines
    .filter((line) => line !== undefined && line !== '')
    .map((line) => `sallyport: ${line?.replace(/[\p{Cc}]+/gu, ' ')}`)
    .join('\r\n');

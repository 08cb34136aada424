import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Target } from '@sallyport/shared/access/connection.ts';
import { sslRequest } from '@sallyport/shared/wire/postgres/startup.ts';
import { nextChunk } from './dial.ts';
import { TlsFailure } from './failure.ts';

const accepted = 0x53;
const declined = 0x4e;

/**
 * Asks for TLS; undefined when the server has none. The certificate is checked as the target's mode wants.
 * @throws TlsFailure
 * @see PostgreSQL manual 55.2.10 "SSL Session Encryption"
 */
export async function secure(socket: Socket, target: Target): Promise<TLSSocket | undefined> {
  socket.write(sslRequest());
  const answer = await nextChunk(socket);
  if (answer[0] === declined && answer.length === 1) return undefined;
  if (answer[0] !== accepted) throw new TlsFailure('the server did not answer the request for TLS');
  // Plaintext behind the answer was put there by somebody in between (CVE-2021-23222).
  if (answer.length > 1 || socket.readableLength > 0) {
    throw new TlsFailure('unencrypted bytes came behind the answer to the request for TLS');
  }
  return await handshake(socket, target);
}

async function handshake(socket: Socket, target: Target): Promise<TLSSocket> {
  const secured = connectTls({ ...verification(target), socket, ALPNProtocols: ['postgresql'] });
  await new Promise<void>((resolve, reject) => {
    const closed = () => reject(failure(new Error('the server closed the connection'), socket));
    secured.once('secureConnect', () => {
      secured.off('close', closed);
      resolve();
    });
    secured.once('error', (error) => reject(failure(error, socket)));
    secured.once('close', closed);
  });
  secured.on('error', () => {});
  secured.pause();
  return secured;
}

/** As libpq: `require` with an authority at hand checks it like `verify-ca`. */
function verification(target: Target): ConnectionOptions {
  const { host, tls, ca } = target;
  const isChecked = tls === 'verify-ca' || tls === 'verify-full' || (tls === 'require' && ca !== undefined);
  return {
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: isChecked,
    ...(tls === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

function failure(error: NodeJS.ErrnoException, socket: Socket): Error {
  // The deadline or the caller ended it: that reason says more than TLS's own.
  if (socket.errored) return socket.errored;
  return new TlsFailure(`TLS failed: ${error.message.replace(/\.$/, '')}${advice(error.code)}`, { cause: error });
}

function advice(code: string | undefined): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return '; use the name in the certificate as the host, or tls: verify-ca';
  if (code?.includes('CERT') || code?.includes('ISSUER')) return '; give the right authority as the target’s ca';
  return '';
}

import { connect, type LookupFunction, type Socket } from 'node:net';

/**
 * DNS and TCP. The signal destroys the socket for as long as the returned `release` was not called.
 * @throws the socket's own error or the signal's reason
 */
export async function dial(
  host: string,
  port: number,
  signal: AbortSignal,
  lookup?: LookupFunction,
): Promise<{ socket: Socket; release: () => void }> {
  signal.throwIfAborted();
  const socket = connect({
    host,
    port,
    ...(lookup && { lookup }),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    allowHalfOpen: true,
  });
  const abort = () => socket.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  } catch (error) {
    signal.removeEventListener('abort', abort);
    socket.destroy();
    throw error;
  }
  // An error between two reads must not end the process; the next read sees the destroyed socket.
  socket.on('error', () => {});
  return { socket, release: () => signal.removeEventListener('abort', abort) };
}

/** The next bytes from a paused socket, which is paused again. @throws when the socket fails or ends */
export function nextChunk(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const over = () => settle(() => reject(socket.errored ?? closed()));
    const data = (chunk: Buffer) => settle(() => resolve(chunk));
    if (socket.destroyed || socket.readableEnded) return reject(socket.errored ?? closed());
    socket.on('data', data).on('end', over).on('close', over);
    socket.resume();

    function settle(done: () => void): void {
      socket.pause();
      socket.off('data', data).off('end', over).off('close', over);
      done();
    }
  });
}

function closed(): Error {
  return Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' });
}

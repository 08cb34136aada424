import { connect, type Socket } from 'node:net';
import type { CheckedTarget } from '../../boundary/boundary.ts';

/** TCP to where the agent's boundary lets it; paused until somebody reads. @throws the socket's own error or the signal's reason */
export function dial(target: CheckedTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const socket = connect(target);
    const giveUp = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      signal.removeEventListener('abort', giveUp);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

import type { Socket } from 'node:net';
import type { StreamHandlers, TunnelStream } from '@sallyport/shared/tunnel/stream.ts';

/** A logged-in, paused socket as a stream, for what the agent asks a target itself. */
export function streamOf(socket: Socket, rest: Buffer): TunnelStream {
  return {
    attach(handlers: StreamHandlers): void {
      socket.on('data', (chunk) => handlers.onData(chunk));
      socket.on('drain', () => handlers.onDrain());
      socket.on('end', () => handlers.onEnd());
      socket.on('close', () => handlers.onClose(socket.errored ?? undefined));
      if (rest.length > 0) handlers.onData(rest);
      socket.resume();
    },
    write: (bytes) => socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: (error) => void socket.destroy(error),
  };
}

import { once } from 'node:events';
import { connect } from 'node:net';
import { MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { passwordMessage, query, terminate } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import type { Contender } from './contender.ts';

/** Runs one statement and throws the answer away: MB/s as the client sees them. */
export async function throughput(contender: Contender, statement: string): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port: contender.port, noDelay: true });
  await once(socket, 'connect');
  const { user, database, password } = contender;
  socket.write(startupMessage([...Object.entries({ user, database })]));
  let received = 0;
  let started = 0;
  const done = Promise.withResolvers<number>();
  const cutter = new MessageCutter({ maxBufferedBytes: 1 << 20, streamAboveBytes: 65_536 });
  const sink = {
    streams: () => true,
    part: () => undefined,
    message(type: number, buffer: Buffer, start: number, end: number): void {
      if (type === Backend.Authentication && buffer.readUInt32BE(start + 5) === 3)
        socket.write(passwordMessage(password));
      else if (type === Backend.ErrorResponse) done.reject(new Error(buffer.toString('utf8', start + 5, end)));
      else if (type !== Backend.ReadyForQuery) return;
      else if (started === 0) {
        started = performance.now();
        received = 0;
        socket.write(query(statement));
      } else done.resolve(received / 1e6 / ((performance.now() - started) / 1000));
    },
  };
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    try {
      cutter.push(chunk, sink);
    } catch (error) {
      done.reject(error);
    }
  });
  socket.on('error', done.reject).on('close', () => done.reject(new Error(`${contender.name} closed the connection`)));
  try {
    return await done.promise;
  } finally {
    socket.end(terminate());
    socket.destroySoon();
  }
}

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { decodeBind, decodeParse, decodeQuery } from '@sallyport/shared/wire/postgres/frontend.ts';
import { Backend, Frontend } from '@sallyport/shared/wire/postgres/types.ts';
import type { RecordedEntry } from '../../gateway/src/protocols/postgres/transcript/transcript.ts';

/** A forwarder that writes down what a recording would hold of the session through it. */
export interface Capture {
  readonly port: number;
  readonly entries: RecordedEntry[];
  /** What the server said before the first ReadyForQuery, which the relay keeps out of recordings. */
  readonly greeting: Buffer[];
  close(): Promise<void>;
}

/** Between a plain client (`sslmode=disable`) and the server on `targetPort`. */
export async function startCapture(targetPort: number): Promise<Capture> {
  const entries: RecordedEntry[] = [];
  const greeting: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    for (const socket of [client, target]) sockets.add(socket.on('error', () => {}));
    const requests = requestReader(entries);
    let greeted = false;
    client.on('data', (chunk) => {
      requests(chunk);
      target.write(chunk);
    });
    target.on('data', (chunk) => {
      if (greeted) entries.push({ kind: 'reply', timeUs: now(), payload: chunk });
      else greeting.push(chunk);
      greeted ||= endsReady(chunk);
      client.write(chunk);
    });
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    entries,
    greeting,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const now = (): number => Math.round(performance.now() * 1000);
const endsReady = (chunk: Buffer): boolean =>
  chunk.at(-6) === Backend.ReadyForQuery && chunk.readUInt32BE(chunk.length - 5) === 5;

/** Query and Bind become `request` entries, as the gateway writes them; the startup packet has no type and is skipped. */
function requestReader(entries: RecordedEntry[]): (chunk: Buffer) => void {
  const cutter = new MessageCutter({ maxBufferedBytes: 1_000_000 });
  const texts = new Map<string, string>();
  let startupLeft = -1;
  const ask = (text: string | undefined, parameters: (string | null)[]) =>
    entries.push({
      kind: 'request',
      timeUs: now(),
      payload: Buffer.from(JSON.stringify({ kind: 'postgres.query', verb: 'select', text, parameters, rule: 'all' })),
    });
  const sink = {
    message(type: number, buffer: Buffer, start: number, end: number) {
      if (type === Frontend.Query) ask(decodeQuery(buffer, start, end), []);
      if (type === Frontend.Parse) {
        const { statement, text } = decodeParse(buffer, start, end);
        texts.set(statement, text);
      }
      if (type === Frontend.Bind) {
        const { statement, parameters } = decodeBind(buffer, start, end);
        ask(
          texts.get(statement),
          parameters.map((each) => (each === null ? null : Buffer.from(each).toString('utf8'))),
        );
      }
    },
  };
  return (chunk) => {
    if (startupLeft === -1) startupLeft = chunk.readUInt32BE(0);
    const skipped = Math.min(startupLeft, chunk.length);
    startupLeft -= skipped;
    if (skipped < chunk.length) cutter.push(chunk.subarray(skipped), sink);
  };
}

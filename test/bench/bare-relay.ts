import { createServer } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import { ensureAuthority } from '../../gateway/src/agents/authority.ts';
import { AgentHub } from '../../gateway/src/agents/hub.ts';
import { MemoryAgentStore } from '../../gateway/src/agents/testing/store.ts';
import { postgresProtocol } from '../../gateway/src/protocols/postgres/protocol.ts';
import { SqlReader } from '../../gateway/src/protocols/postgres/sql/reader.ts';
import type { Backing } from '../../gateway/src/protocols/protocol.ts';

/*
 * The gateway's handshake and tunnel with nothing in between: bytes are copied, nobody asks, judges or records. What
 * the gateway costs beyond this is the price of deciding. Arguments: port, tunnel's port, target's port, data folder.
 */

const [port, tunnelPort, targetPort] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5] ?? '';
const authority = await ensureAuthority(folder);
const hub = new AgentHub({ authority, store: new MemoryAgentStore() });
const sql = new SqlReader();
await sql.start();
const protocol = postgresProtocol(
  createSecureContext({ key: authority.serverKey, cert: authority.certificateChain }),
  sql,
);
const connection: Connection = {
  name: 'bench',
  protocol: 'postgres',
  agent: 'bench',
  target: { host: '127.0.0.1', port: targetPort ?? 0, database: 'postgres', tls: 'disable' },
  credential: { username: 'postgres' },
  labels: {},
};
const over = new AbortController();
const backing: Backing = {
  connection,
  principal: () => ({ id: 'user:bench', name: 'bench', groups: [], claims: {} }),
  place: 'bench',
  veil: undefined,
  estimates: false,
  readsBody: false,
  judgesEffects: false,
  isHarmlessFunction: () => false,
  side: (settings, signal) => hub.open({ connection, settings, session: 'bare' }, signal),
  signal: over.signal,
};

await hub.start(`127.0.0.1:${tunnelPort}`);
createServer({ noDelay: true }, async (socket) => {
  socket.on('error', () => socket.destroy());
  const visitor = await protocol.greet(socket, { address: '127.0.0.1', loopback: true }, over.signal);
  if (visitor === undefined) return;
  for await (const exchange of visitor.welcome(backing)) {
    const target = await hub.open({ connection, settings: exchange.settings, session: 'bare' }, over.signal);
    const { client } = exchange;
    client.write(exchange.begin(target.greeting, async () => undefined));
    client.on('data', (chunk: Buffer) => {
      if (!target.write(chunk)) client.pause();
    });
    client.on('drain', () => target.resume()).on('close', () => target.destroy());
    target.attach({
      onData(bytes) {
        if (!client.write(bytes)) target.pause();
      },
      onDrain: () => void client.resume(),
      onEnd: () => void client.end(),
      onClose: () => void client.end(),
    });
  }
}).listen(port, '127.0.0.1');
console.log(await hub.createJoinToken('bench'));

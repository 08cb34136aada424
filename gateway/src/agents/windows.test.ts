import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { tunnelServerName, windowBytes } from '@sallyport/shared/tunnel/service.ts';
import { ensureAuthority } from './authority.ts';
import { AgentHub } from './hub.ts';
import { MemoryAgentStore } from './testing/store.ts';

it('an agent may send a whole window, on a stream and on the connection, before it is answered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-windows-'));
  const authority = await ensureAuthority(folder);
  const hub = new AgentHub({ authority, store: new MemoryAgentStore() });
  const port = await hub.start('127.0.0.1:0');
  const session = connect(`https://127.0.0.1:${port}`, { ca: authority.caCertificate, servername: tunnelServerName });
  try {
    const [settings] = (await once(session, 'remoteSettings')) as [{ initialWindowSize?: number }];
    assert.equal(settings.initialWindowSize, windowBytes);
    // The connection's window comes by a frame of its own, before the answer to a ping.
    await new Promise((resolve) => session.ping(resolve));
    assert.ok((session.state.remoteWindowSize ?? 0) >= windowBytes, `${session.state.remoteWindowSize}`);
  } finally {
    session.destroy();
    await hub.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

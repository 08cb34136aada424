import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import type { Client } from '../protocols/http/client.ts';
import type { HttpFront } from '../protocols/http/front.ts';
import { HttpListener } from './http.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-http-'));
let listener: HttpListener;
let port = 0;

before(async () => {
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=x'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const front = { serve: ({ response }: Client) => void response.end('served') } as unknown as HttpFront;
  listener = new HttpListener(
    front,
    { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') },
    { headMs: 300 },
  );
  port = await listener.start({ host: '127.0.0.1', port: 0 });
});
after(() => {
  listener.stop();
  listener.destroy();
  rmSync(folder, { recursive: true, force: true });
});

test('a header that does not come to its end in time ends the connection', async () => {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  let said = '';
  socket.on('data', (chunk) => (said += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
  // A field now and then keeps nothing alive.
  const drip = setInterval(() => socket.write('X-A: b\r\n'), 50);
  await once(socket, 'close');
  clearInterval(drip);
  assert.match(said, /^(?:HTTP\/1\.1 408|$)/);
});

test('and one that comes is served', async () => {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const parts = await socket.toArray();
  assert.match(Buffer.concat(parts).toString(), /^HTTP\/1\.1 200[\s\S]*served/);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { HttpStage } from './fixture.ts';

let stage: HttpStage;
before(async () => {
  stage = await HttpStage.start();
});
after(() => stage.stop());

/** Sends bytes as they are, and resolves to all that comes back until the gateway closes, or until `enough` does. */
async function raw(text: string, enough = (_: string): boolean => false): Promise<string> {
  const { kubernetes } = stage.stack.ports;
  const socket = connect({
    host: '127.0.0.1',
    port: kubernetes,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  await once(socket, 'secureConnect');
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1');
    if (enough(said)) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.write(text.replaceAll('TOKEN', stage.token), 'latin1');
  await once(socket, 'close');
  return said;
}

const statusOf = (said: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0);

const head = (line: string, ...fields: string[]): string =>
  `${[line, 'Host: gw', 'Authorization: Bearer TOKEN', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`;

describe('what could be read in two ways is refused, and the target hears nothing of it', () => {
  const smuggled = 'GET /shop/smuggled HTTP/1.1\r\nHost: gw\r\n\r\n';
  const attempts: Record<string, string> = {
    'CL.TE': `${head('POST /shop/x HTTP/1.1', 'Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    'TE.CL': `${head('POST /shop/x HTTP/1.1', 'Transfer-Encoding: chunked', 'Content-Length: 4')}0\r\n\r\n${smuggled}`,
    'TE.TE': `${head('POST /shop/x HTTP/1.1', 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity')}0\r\n\r\n${smuggled}`,
    'obscured TE': `${head('POST /shop/x HTTP/1.1', 'Transfer-Encoding: xchunked')}0\r\n\r\n${smuggled}`,
    'TE with a space before the colon': `${head('POST /shop/x HTTP/1.1', 'Transfer-Encoding : chunked')}0\r\n\r\n${smuggled}`,
    'two lengths': `${head('POST /shop/x HTTP/1.1', 'Content-Length: 0', `Content-Length: ${smuggled.length}`)}${smuggled}`,
    'a length with a sign': `${head('POST /shop/x HTTP/1.1', 'Content-Length: +0')}${smuggled}`,
    'a folded field': head('GET /shop/x HTTP/1.1', 'X-A: b\r\n Transfer-Encoding: chunked'),
    'a bare line feed': `GET /shop/x HTTP/1.1\nHost: gw\nAuthorization: Bearer TOKEN\n\n`,
    'an absolute target': head('GET http://169.254.169.254/latest HTTP/1.1'),
    'an authority': head('CONNECT 10.0.0.1:443 HTTP/1.1'),
    'two hosts': head('GET /shop/x HTTP/1.1', 'Host: other'),
    TRACE: head('TRACE /shop/x HTTP/1.1'),
    dots: head('GET /shop/a/../../bank/x HTTP/1.1'),
    'encoded dots': head('GET /shop/%2e%2E/bank/x HTTP/1.1'),
    'an encoded slash': head('GET /shop/a%2fb HTTP/1.1'),
    'a backslash': head('GET /shop/a\\b HTTP/1.1'),
    'an encoded backslash': head('GET /shop/a%5Cb HTTP/1.1'),
    'a NUL': head('GET /shop/a%00b HTTP/1.1'),
    'double encoding': head('GET /shop/%252e%252e/x HTTP/1.1'),
    'two slashes': head('GET /shop//x HTTP/1.1'),
    'a path parameter': head('GET /shop/..;/x HTTP/1.1'),
    'another method': head('POST /shop/x HTTP/1.1', 'X-HTTP-Method-Override: DELETE', 'Content-Length: 0'),
    h2c: head('GET /shop/h2c HTTP/1.1', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
    'a long header': head('GET /shop/x HTTP/1.1', `X-Long: ${'a'.repeat(100_000)}`),
    'many fields': head('GET /shop/x HTTP/1.1', ...Array.from({ length: 600 }, (_, i) => `X-${i}: 1`)),
  };
  for (const [name, text] of Object.entries(attempts)) {
    it(name, async () => {
      const before = stage.plain.seen.length;
      const said = await raw(text);
      // h2c is merely not switched to.
      if (name === 'h2c') assert.equal(statusOf(said), 200);
      // Node closes these without a word.
      else if (['an authority', 'a long header'].includes(name)) assert.notEqual(statusOf(said), 200);
      else assert.ok(statusOf(said) >= 400 && statusOf(said) < 502, said.slice(0, 300));
      const heard = stage.plain.seen.slice(before);
      assert.ok(
        heard.every(({ url }) => name === 'h2c' && url === '/h2c'),
        JSON.stringify(heard),
      );
      if (name === 'h2c') assert.equal(heard[0]?.headers.upgrade, undefined);
    });
  }
});

describe('the target’s request is the gateway’s own', () => {
  it('without hop-by-hop fields, and nothing that Connection lists takes ours away', async () => {
    const said = await raw(
      head(
        'GET /shop/own HTTP/1.1',
        'Connection: X-Api-Key, X-Gone',
        'X-Gone: 1',
        'X-Api-Key: mine',
        'X-Forwarded-For: 1.2.3.4',
        'X-Original-URL: /admin',
        'X_Forwarded_For: 9',
        'Keep-Alive: 5',
        'Proxy-Authorization: x',
      ),
    );
    assert.equal(statusOf(said), 200, said);
    const { headers, rawHeaders } = stage.plain.last;
    assert.match(String(headers['x-api-key']), /^target-key/);
    assert.equal(rawHeaders.filter((name) => name.toLowerCase() === 'x-api-key').length, 1);
    for (const gone of [
      'x-gone',
      'x-forwarded-for',
      'x_forwarded_for',
      'x-original-url',
      'proxy-authorization',
      'authorization',
    ]) {
      assert.equal(headers[gone], undefined, gone);
    }
  });

  it('and the target’s answer cannot split ours', async () => {
    const { createServer } = await import('node:net');
    const liar = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n'),
      );
    });
    liar.listen(0, '127.0.0.1');
    await once(liar, 'listening');
    const { port } = liar.address() as { port: number };
    await stage.stack.apply(`kind: Connection
name: liar
spec: { protocol: http, agent: test-agent, target: { url: "http://127.0.0.1:${port}" } }
---
kind: Rule
name: liar
spec: { who: { groups: [engineering] }, connections: { names: [liar] }, then: allow }`);
    const { status, head: answer } = await stage.curl('/liar/x');
    liar.close();
    assert.ok(status >= 500, String(status));
    assert.ok(!answer.includes('evil'));
  });
});

describe('upgrades', () => {
  const websocket = (path: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer TOKEN\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  const frame = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]).toString('latin1');

  it('go both ways, with what came behind the head', async () => {
    const said = await raw(websocket('/shop/ws') + frame, (text) => text.endsWith('\x81\x02hi'));
    assert.equal(statusOf(said), 101);
    assert.match(said, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
    assert.ok(said.endsWith('\x81\x02hi'));
  });

  it('only where the target switches, and to what was asked', async () => {
    const before = stage.plain.seen.length;
    const refused = await raw(`${websocket('/shop/refuses')}GET /shop/hidden HTTP/1.1\r\nHost: gw\r\n\r\n`);
    assert.equal(statusOf(refused), 403);
    assert.match(refused, /not you$/);
    const other = await raw(websocket('/shop/other'));
    assert.ok(statusOf(other) >= 500, other);
    assert.ok(stage.plain.seen.slice(before).every(({ url }) => url !== '/hidden'));
  });

  it('need the right to connect', async () => {
    assert.equal(statusOf(await raw(websocket('/guarded/ws'))), 403);
  });
});

describe('floods and slowness', () => {
  it('rapid resets of HTTP/2 end the connection and nothing else', async () => {
    const session = connectHttp2(stage.url, { rejectUnauthorized: false });
    session.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => session.once('close', () => resolve()));
    for (let i = 0; i < 3_000 && !session.destroyed; i++) {
      const stream = session.request({ ':path': '/shop/reset', authorization: `Bearer ${stage.token}` });
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
      if (i % 100 === 0) await new Promise((next) => setImmediate(next));
    }
    await closed;
    const { status, body } = await stage.curl('/shop/after');
    assert.equal(status, 200, body);
  });
});

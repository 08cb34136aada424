import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { apiKey, HttpStage } from './fixture.ts';

let stage: HttpStage;
before(async () => {
  stage = await HttpStage.start(`
---
kind: Connection
name: people
spec: { protocol: http, agent: test-agent, target: { url: "http://127.0.0.1:PLAIN" } }
---
kind: Rule
name: people
spec: { who: { groups: [engineering] }, connections: { names: [people] }, then: allow }
---
kind: Mask
name: mails
spec: { connections: { names: [people] }, fields: ["$..email"], detect: [email] }
`);
});
after(() => stage.stop());

describe('streams', () => {
  it('large downloads and uploads in bounded memory', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const bytes = 200 * 1024 * 1024;
    stage.plain.on('/large', (_, response) => {
      let left = bytes / chunk.length;
      const more = (): void => {
        while (left > 0) {
          left -= 1;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    stage.plain.on('/swallow', (request, response) => {
      let taken = 0;
      request.on('data', (part: Buffer) => (taken += part.length));
      request.on('end', () => response.end(String(taken)));
    });
    const { body } = await stage.curl(
      '/shop/large',
      '-o',
      '/dev/null',
      '-w',
      '%{size_download}\n%{stderr}\n%{http_code}',
    );
    assert.equal(body.trim(), String(bytes));
    const up = await stage.curl('/shop/swallow', '-T', process.execPath);
    assert.equal(up.body, String(readFileSync(process.execPath).length));
    for (const child of [stage.stack.gateway, stage.stack.agent]) {
      const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child?.pid}/status`, 'utf8'))?.[1];
      assert.ok(Number(peak) < 450 * 1024, `${peak} kB`);
    }
  });

  it('each event leaves at once, and a client that leaves is told to the target', async () => {
    stage.plain.on('/events', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
    });
    const { body } = await stage.curl('/shop/events', '-N', '-m', '1');
    assert.equal(body, 'data: one\n\n');
    await stage.plain.until((seen) => seen.some(({ url, aborted }) => url === '/events' && aborted));
  });

  it('redirects are not followed, and lead through the gateway', async () => {
    stage.plain.on('/base/v1/go', (_, response) => {
      const location = `http://127.0.0.1:${stage.plain.port}/base/v1/there?x=1`;
      response.writeHead(302, { location, 'set-cookie': 'a=b; Path=/base/v1/x; Domain=127.0.0.1' }).end();
    });
    stage.plain.on('/base/v1/away', (_, response) =>
      response.writeHead(302, { location: 'http://elsewhere.test/' }).end(),
    );
    const there = await stage.curl('/based/go');
    assert.match(there.head, /location: \/based\/there\?x=1\r/);
    assert.match(there.head, /set-cookie: a=b; path=\/based\/x\r/);
    assert.match((await stage.curl('/based/away')).head, /location: http:\/\/elsewhere\.test\/\r/);
  });
});

describe('people', () => {
  it('are asked, and the request waits for them', async () => {
    const dana = await stage.stack.token('dana');
    const waiting = stage.curl('/guarded/refunds', '-d', '{"order": 7}');
    let id: string | undefined;
    while (id === undefined) {
      const { approvals = [] } = await stage.stack.call<{
        approvals?: { id: string; state: string; action?: unknown }[];
      }>('ApprovalService/ListApprovals', {}, dana);
      const found = approvals.find((one) => JSON.stringify(one).includes('/refunds'));
      id = found?.id;
      if (found !== undefined) assert.match(JSON.stringify(found), /order/);
    }
    const { status, err } = await stage.stack.cli(['approvals', 'approve', id], dana);
    assert.equal(status, 0, err);
    assert.equal((await waiting).status, 200);
    assert.equal(stage.plain.last.body, '{"order": 7}');
  });
});

describe('masks', () => {
  it('on fields of JSON, and on texts', async () => {
    await stage.stack.apply(`kind: Connection
name: people
spec: { protocol: http, agent: test-agent, target: { url: "http://127.0.0.1:${stage.plain.port}" } }`);
    const anna = { id: 1, email: 'nothing that looks like one', note: 'write to anna@example.org' };
    stage.plain.on('/anna', (_, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(anna)),
    );
    const { body, head } = await stage.curl('/people/anna', '-H', 'Range: bytes=0-5');
    assert.deepEqual(JSON.parse(body), { id: 1, email: '[redacted]', note: 'write to [redacted]' });
    assert.equal(stage.plain.last.headers['accept-encoding'], 'identity');
    assert.equal(stage.plain.last.headers.range, undefined);
    assert.doesNotMatch(head, /content-length/);
  });

  it('what cannot be read is not shown', async () => {
    stage.plain.on('/zipped', (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('secret'),
    );
    stage.plain.on('/text', (_, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end('email: secret'),
    );
    for (const path of ['/people/zipped', '/people/text']) {
      const { status, body } = await stage.curl(path);
      assert.equal(status, 502);
      assert.ok(!body.includes('secret'));
    }
  });
});

it('recordings and events hold requests and no secret of the target’s', async () => {
  const { out } = await stage.stack.cli(['sessions', 'list', '-o', 'json']);
  assert.match(out, /people|shop/);
  assert.ok(!stage.stack.log.join('\n').includes(apiKey));
});

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Fixture } from './fixture.ts';

interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Whoever gets webhooks; `statuses` are given out first. */
async function receiver() {
  const posted: Posted[] = [];
  const statuses: number[] = [];
  let wake = Promise.withResolvers<void>();
  const server = createHttpServer(async (request, response) => {
    const body = await text(request);
    const status = statuses.shift() ?? 200;
    if (status === 200) posted.push({ path: request.url ?? '', headers: request.headers, body });
    response.writeHead(status).end('noted');
    wake.resolve();
    wake = Promise.withResolvers();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const find = async (matches: (one: Posted) => boolean): Promise<Posted> => {
    for (const limit = AbortSignal.timeout(15_000); ; ) {
      const found = posted.find(matches);
      if (found !== undefined) return found;
      await Promise.race([wake.promise, once(limit, 'abort').then(() => assert.fail('nothing like that was posted'))]);
    }
  };
  return { url, posted, statuses, find, stop: () => server.close() };
}

/** As much of a mail server as a client needs to hand a mail over (RFC 5321). */
async function mailServer() {
  const mails = Promise.withResolvers<string>();
  const server = createServer((socket) => {
    let inData = false;
    let mail = '';
    socket.write('220 mail.test ESMTP\r\n');
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      if (inData) {
        mail += chunk;
        if (!mail.endsWith('\r\n.\r\n')) return;
        inData = false;
        socket.write('250 taken\r\n');
        mails.resolve(mail);
        return;
      }
      for (const line of chunk.split('\r\n').filter((one) => one !== '')) {
        if (/^DATA/i.test(line)) inData = true;
        socket.write(/^DATA/i.test(line) ? '354 go on\r\n' : /^QUIT/i.test(line) ? '221 bye\r\n' : '250 fine\r\n');
      }
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, mail: mails.promise, stop: () => server.close() };
}

describe('people are told of what waits for them', { timeout: 120_000 }, () => {
  const signingSecret = 'slack-signing-secret-of-the-test';
  let fixture: Fixture;
  let hooks: Awaited<ReturnType<typeof receiver>>;
  let mail: Awaited<ReturnType<typeof mailServer>>;

  before(async () => {
    [hooks, mail] = [await receiver(), await mailServer()];
    fixture = await Fixture.start();
    await fixture.stack.apply(`
kind: Notifier
name: on-call
spec:
  events: [approval.*, access.*]
  webhook: { url: "${hooks.url}/on-call", secret: "a-secret-of-sixteen-or-more" }
---
kind: Notifier
name: chat
spec:
  connections: { labels: { env: prod } }
  slack: { url: "${hooks.url}/slack", signingSecret: "${signingSecret}", approvers: { U0DANA: dana, U0ALICE: alice } }
---
kind: Notifier
name: post
spec:
  email: { host: 127.0.0.1, port: ${mail.port}, security: none, from: sallyport@example.com, to: [dba@example.com] }
  template: { title: "[{{event.connection}}] {{title}}" }
`);
  });
  after(async () => {
    await fixture?.stop();
    hooks?.stop();
    mail?.stop();
  });

  const press = (action: 'approve' | 'reject', approval: string, user: string, secret = signingSecret, ageS = 0) => {
    const payload = { user: { id: user }, actions: [{ action_id: `sallyport.${action}`, value: approval }] };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const at = String(Math.floor(Date.now() / 1000) - ageS);
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`;
    return fetch(`http://127.0.0.1:${fixture.stack.ports.web}/hooks/slack/chat`, {
      method: 'POST',
      headers: { 'x-slack-request-timestamp': at, 'x-slack-signature': signature },
      body,
    });
  };

  it('webhook, Slack and mail have the request while the statement waits; a button in Slack releases it', async () => {
    hooks.statuses.push(503, 503);
    const running = fixture.psql('alice', 'truncate orders;\n');
    const signed = await hooks.find(({ path, body }) => path === '/on-call' && body.includes('approval.requested'));
    const { data } = JSON.parse(signed.body) as { data: { id: string } };
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = signed.headers;
    const mac = createHmac('sha256', 'a-secret-of-sixteen-or-more').update(`${id}.${at}.${signed.body}`);
    assert.equal(signature, `v1,${mac.digest('base64')}`);

    const shown = await hooks.find(({ path }) => path === '/slack');
    assert.match(shown.body, /truncate orders/);
    assert.match(shown.body, new RegExp(`"value":"${data.id}"`));

    const letter = await mail.mail;
    assert.match(letter, /^Subject: \[shop\] alice asks for approval on shop\r$/m);
    assert.match(letter, /^Auto-Submitted: auto-generated\r$/m);
    assert.match(letter, /^To: dba@example.com\r$/m);

    assert.equal((await press('approve', data.id, 'U0DANA', 'not-the-secret')).status, 401);
    assert.equal((await press('approve', data.id, 'U0DANA', signingSecret, 400)).status, 401);
    assert.equal((await press('approve', data.id, 'U0NOBODY')).status, 200);
    assert.equal((await press('approve', data.id, 'U0ALICE')).status, 200);
    assert.equal(await fixture.pendingApproval(), data.id, 'nobody approves for others, nor for themselves');
    assert.equal((await press('approve', data.id, 'U0DANA')).status, 200);
    const { status } = await running;
    assert.equal(status, 0);
    const decided = await hooks.find(({ path, body }) => path === '/on-call' && body.includes('approval.decided'));
    assert.match(decided.body, /"name":"dana"/);
  });

  it('its secrets are never shown, and a sample says whether it arrives', async () => {
    const listed = await fixture.stack.cli(['get', 'notifier', 'chat', '-o', 'json']);
    assert.ok(!listed.out.includes(signingSecret) && !listed.out.includes(hooks.url), listed.out);
    const tested = await fixture.stack.cli(['notifiers', 'test', 'on-call']);
    assert.equal(tested.status, 0, tested.err);
    hooks.statuses.push(410);
    const refused = await fixture.stack.cli(['notifiers', 'test', 'on-call']);
    assert.equal(refused.status, 1);
    assert.match(refused.err, /it answered 410: noted/);
    const list = await fixture.stack.cli(['notifiers']);
    assert.match(list.out, /on-call +webhook/);
  });

  it('what nobody took is told after a restart', async () => {
    hooks.statuses.push(...Array.from({ length: 500 }, () => 503));
    const running = fixture.psql('alice', "select 'hurried';\n");
    await fixture.pendingApproval();
    await running;
    await fixture.stack.kill('gateway');
    hooks.statuses.length = 0;
    const before = hooks.posted.length;
    await fixture.stack.startGateway();
    const late = await hooks.find(
      (one) => hooks.posted.indexOf(one) >= before && one.body.includes('approval.expired'),
    );
    assert.match(late.body, /hurried/);
  });

  it('what cannot be is refused when it is applied', async () => {
    const wrong = [
      [
        'spec: { webhook: { url: "https://a.example" }, slack: { url: "https://b.example" } }',
        /one of webhook, slack, email/,
      ],
      ['spec: { webhook: { url: "ftp://a.example" } }', /must be a URL/],
      ['spec: { slack: { url: "https://b.example", signingSecret: abc } }', /belongs together/],
      ['spec: { events: ["approval requested"], webhook: { url: "https://a.example" } }', /no type of events/],
      [
        'spec: { email: { host: h, security: none, user: u, password: p, from: a@example.com, to: [d@example.com] } }',
        /in the clear/,
      ],
      ['spec: { webhook: { url: "https://a.example" }, template: { text: "{{ title" } }', /without a name/],
    ] as const;
    for (const [spec, message] of wrong) {
      await assert.rejects(fixture.stack.apply(`kind: Notifier\nname: wrong\n${spec}\n`), message);
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { messageOf } from './channels/slack.ts';
import { signed } from './channels/webhook.ts';
import { type NotableEvent, notificationOf } from './notification.ts';
import { isFromSlack, readAction } from './slack-action.ts';

const event: NotableEvent = {
  id: '0190-1',
  time: '2026-01-02T03:04:05.000Z',
  type: 'approval.requested',
  connection: 'shop',
  sessionId: 's1',
  principal: { id: 'user:alice', name: 'alice' },
  data: {
    id: 'apr-1',
    requester: { id: 'user:alice', name: 'alice' },
    rule: 'ask-first',
    expiresAt: Date.UTC(2026, 0, 2, 3, 19),
    action: {
      kind: 'postgres.query',
      verb: 'delete',
      effects: [],
      text: 'delete from a -- ``` <!here> & </pre>',
      estimatedRows: 12.4,
      tables: [{ name: 'a' }],
    },
    decisions: [],
  },
};
const url = 'https://access.example.com';

describe('what people are told', () => {
  it('an approval: who, where, what, until when, and where to decide', () => {
    const told = notificationOf(event, url);
    assert.equal(told.title, 'alice asks for approval on shop');
    assert.equal(told.link, `${url}/approvals/apr-1`);
    assert.equal(told.approval, 'apr-1');
    assert.equal(told.staleAt, Date.UTC(2026, 0, 2, 3, 19));
    assert.deepEqual(new Map(told.facts).get('Rows'), 'about 12');
    assert.match(told.code ?? '', /^delete from a/);
  });

  it('a decision can be pressed no more', () => {
    const data = { ...event.data, state: 'rejected', decisions: [{ name: 'dana', reason: 'not on a Friday' }] };
    const told = notificationOf({ ...event, type: 'approval.decided', data }, url);
    assert.equal(told.title, "alice's request on shop: rejected by dana");
    assert.equal(told.approval, undefined);
    assert.equal(new Map(told.facts).get('Decision'), 'not on a Friday');
  });

  it('any other event: its scalars; a title never has a line feed in it', () => {
    const told = notificationOf(
      {
        id: 'e',
        time: event.time,
        type: 'agent.lost',
        connection: 'a\r\nBcc: everybody',
        data: { agent: 'prod', nested: { a: 1 } },
      },
      url,
    );
    assert.equal(told.title, 'agent.lost: a Bcc: everybody');
    assert.deepEqual(told.facts.at(-1), ['agent', 'prod']);
    assert.ok(!told.facts.some(([label]) => label === 'nested'));
  });

  it('templates see what there is, and nothing of a prototype', () => {
    const text =
      '{{event.data.requester.name}}|{{event.data.action.tables}}|{{event.constructor.name}}|{{none.at.all}}|{{title}}';
    const told = notificationOf(event, url, { title: 'Hey {{event.connection}}', text });
    assert.equal(told.title, 'Hey shop');
    assert.equal(told.text, 'alice|[{"name":"a"}]|||alice asks for approval on shop');
  });

  it('Slack: what somebody typed mentions nobody, links nowhere and leaves its fence not', () => {
    const text = JSON.stringify(messageOf(notificationOf(event, url), true));
    assert.ok(!text.includes('<!here>') && text.includes('&lt;!here&gt;'));
    assert.equal(text.match(/```/g)?.length, 2);
    assert.ok(text.includes('sallyport.approve') && text.includes('sallyport.reject'));
    assert.ok(!JSON.stringify(messageOf(notificationOf(event, url), false)).includes('sallyport.approve'));
  });
});

describe('signatures', () => {
  it('a webhook is signed after the Standard Webhooks specification (its own example)', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const body = '{"test": 2432232314}';
    assert.equal(
      signed(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', body),
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('Slack: the right secret within five minutes, and nothing else', () => {
    const secret = '8f742231b10e8888abcd99yyyzzz85a5';
    const at = 1531420618;
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const headers = {
      'x-slack-request-timestamp': String(at),
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    };
    assert.equal(isFromSlack(secret, headers, body, at * 1000), true);
    assert.equal(isFromSlack(secret, headers, body, (at + 301) * 1000), false);
    assert.equal(isFromSlack(secret, headers, body, (at - 301) * 1000), false);
    assert.equal(isFromSlack(secret, headers, `${body}x`, at * 1000), false);
    assert.equal(isFromSlack('another', headers, body, at * 1000), false);
    assert.equal(isFromSlack(secret, { ...headers, 'x-slack-signature': 'v0=' }, body, at * 1000), false);
    assert.equal(isFromSlack(secret, {}, body, at * 1000), false);
  });

  it('a button of ours is read, everything else is none; answers go to Slack’s host only', () => {
    const form = (payload: unknown) => new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const pressed = { actions: [{ action_id: 'sallyport.approve', value: 'apr-1' }], user: { id: 'U1' } };
    assert.deepEqual(readAction(form({ ...pressed, response_url: 'https://hooks.slack.com/a/b' })), {
      approval: 'apr-1',
      approved: true,
      user: 'U1',
      responseUrl: 'https://hooks.slack.com/a/b',
    });
    for (const url of ['http://hooks.slack.com/a', 'https://hooks.slack.com.evil.example/a', 'file:///etc/passwd', 7]) {
      assert.equal(readAction(form({ ...pressed, response_url: url }))?.responseUrl, undefined);
    }
    for (const body of [
      '',
      'payload=',
      'payload=null',
      'payload=[]',
      form({ actions: [{ action_id: 'other' }] }),
      form({ actions: 'x' }),
    ]) {
      assert.equal(readAction(body), undefined);
    }
  });
});

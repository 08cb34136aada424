import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Unavailable, WireError } from '../../errors/errors.ts';
import { md5Password } from './md5.ts';
import { saslPrep } from './saslprep.ts';
import { ScramClient, type ScramOptions } from './scram.ts';

// RFC 7677 section 3.
const nonce = 'rOprNGfwEbeRWgbNEkqO';
const serverFirst = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';
const plain: ScramOptions = { user: 'user', password: 'pencil', nonce, mechanisms: ['SCRAM-SHA-256'], isTls: false };
const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];
const serverEndPoint = Buffer.from('end point');

const isCode = (code: string) => (error: unknown) =>
  (error instanceof WireError || error instanceof Unavailable) && error.code === code;

describe('SCRAM-SHA-256', () => {
  it('does what RFC 7677 shows', async () => {
    const client = new ScramClient(plain);
    assert.equal(client.initialResponse().toString(), `n,,n=user,r=${nonce}`);
    const response = await client.respond(Buffer.from(serverFirst));
    assert.equal(
      response.toString(),
      `c=biws,r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
    );
    assert.equal(client.isVerified, false);
    client.verify(Buffer.from(serverFinal));
    assert.equal(client.isVerified, true);
  });

  it('does not believe a server that does not know the password', async () => {
    for (const final of [serverFinal.replace('6', '7'), 'v=AAAA', 'e=invalid-proof']) {
      const client = new ScramClient(plain);
      await client.respond(Buffer.from(serverFirst));
      assert.throws(() => client.verify(Buffer.from(final)), isCode('ERR_TARGET_AUTH'));
      assert.equal(client.isVerified, false);
    }
  });

  it('refuses a first message that is not lawful', async () => {
    const broken = [
      serverFirst.replace('r=r', 'r=R'),
      `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
      serverFirst.replace('4096', '0'),
      serverFirst.replace('4096', '-1'),
      serverFirst.replace('s=W', 's==W'),
      `m=x,${serverFirst}`,
      '',
    ];
    for (const first of broken) {
      await assert.rejects(new ScramClient(plain).respond(Buffer.from(first)), isCode('ERR_WIRE_MALFORMED'), first);
    }
    const costly = Buffer.from(serverFirst.replace('4096', '1000001'));
    await assert.rejects(new ScramClient(plain).respond(costly), isCode('ERR_WIRE_TOO_LARGE'));
  });

  it('refuses what comes out of turn', async () => {
    const client = new ScramClient(plain);
    assert.throws(() => client.verify(Buffer.from(serverFinal)), isCode('ERR_WIRE_UNEXPECTED'));
    await client.respond(Buffer.from(serverFirst));
    await assert.rejects(client.respond(Buffer.from(serverFirst)), isCode('ERR_WIRE_UNEXPECTED'));
  });

  it('binds to the channel where it can and says so where it could have', async () => {
    const bound = new ScramClient({ ...plain, mechanisms: both, isTls: true, serverEndPoint });
    assert.equal(bound.mechanism, 'SCRAM-SHA-256-PLUS');
    assert.match(bound.initialResponse().toString(), /^p=tls-server-end-point,,n=/);
    const response = (await bound.respond(Buffer.from(serverFirst))).toString();
    const channel = Buffer.from('p=tls-server-end-point,,end point').toString('base64');
    assert.ok(response.startsWith(`c=${channel},`));
    const stripped = new ScramClient({ ...plain, isTls: true, serverEndPoint });
    assert.match(stripped.initialResponse().toString(), /^y,,/);
  });

  it('never lets itself be talked down', () => {
    assert.throws(() => new ScramClient({ ...plain, mechanisms: both }), isCode('ERR_WIRE_UNEXPECTED'));
    const required = { ...plain, isTls: true, serverEndPoint, isBindingRequired: true };
    assert.throws(() => new ScramClient(required), isCode('ERR_WIRE_UNSUPPORTED'));
    assert.throws(() => new ScramClient({ ...plain, mechanisms: ['PLAIN'] }), isCode('ERR_WIRE_UNSUPPORTED'));
  });
});

it('saslPrep normalises what it may and leaves alone what it may not', () => {
  // RFC 4013 section 3, with PostgreSQL's way out for what is prohibited.
  assert.equal(saslPrep('I\u00ADX'), 'IX');
  assert.equal(saslPrep('\u00AA'), 'a');
  assert.equal(saslPrep('\u2168'), 'IX');
  assert.equal(saslPrep('a\u00A0b'), 'a b');
  for (const raw of ['user', 'USER', '\u0007', '\u0627\u0031', '\u00AD', '\u00AA\u0007'])
    assert.equal(saslPrep(raw), raw);
});

it('md5Password is what the server stores, salted', () => {
  // By md5sum: md5(hex(md5('penciluser')) + 'salt').
  assert.equal(md5Password('user', 'pencil', Buffer.from('salt')), 'md5d3d9bcccbaa2fb5234570d4d0f22b055');
});

import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { beforeEach, describe, it } from 'node:test';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import {
  certificateType,
  ed25519Signer,
  type Signer,
  type Statement,
  writeCertificate,
} from '@sallyport/shared/wire/ssh/certificate.ts';
import { string } from '@sallyport/shared/wire/ssh/fields.ts';
import { publicKeyBlob, readPublicKey } from '@sallyport/shared/wire/ssh/key.ts';
import type { KeyProof } from '../../protocols/protocol.ts';
import { Identity } from '../identity.ts';
import { MemoryIdentityStore } from '../testing/memory-store.ts';
import { UserAuthority } from './authority.ts';
import { isFrom } from './source-address.ts';
import { MemoryKeyStore } from './testing/memory-store.ts';

const pem = UserAuthority.newKey();
const authority = UserAuthority.of(pem);
const signer = ed25519Signer(createPrivateKey(pem));
const own = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const key = readPublicKey(publicKeyBlob(own.publicKey));
const session = Buffer.alloc(32, 5);
const login = { user: '', connection: 'host', address: '192.0.2.1' };

let now: number;
let people: MemoryIdentityStore;
let identity: Identity;
let alice: Principal;

beforeEach(async () => {
  now = Date.UTC(2026, 10, 24);
  people = new MemoryIdentityStore();
  identity = Identity.create({ store: people, ssh: { store: new MemoryKeyStore(), authority }, clock: () => now });
  await identity.users.put({ name: 'alice', groups: ['engineering'] });
  alice = { id: 'user:alice', name: 'alice', groups: ['engineering'], claims: {} };
});

interface Bent {
  readonly algorithm?: string;
  readonly signedAlgorithm?: string;
  readonly signedKey?: Buffer;
  readonly session?: Buffer;
  readonly service?: string;
  readonly method?: string;
  readonly tail?: Buffer;
  readonly by?: KeyObject;
}

/** What a client would send, bent as a test wants. */
function proofOf(blob: Buffer, type: string, bent: Bent = {}): KeyProof {
  const { algorithm = type, signedAlgorithm = algorithm, signedKey = blob, by = own.privateKey } = bent;
  const parts = [
    Buffer.of(50),
    string('host'),
    string(bent.service ?? 'ssh-connection'),
    string(bent.method ?? 'publickey'),
  ];
  const request = [...parts, Buffer.of(1), string(signedAlgorithm), string(signedKey), bent.tail ?? Buffer.alloc(0)];
  const signed = Buffer.concat([string(session), ...request]);
  const toSign = Buffer.concat([string(bent.session ?? session), ...request]);
  const signature = Buffer.concat([string('ssh-ed25519'), string(sign(null, toSign, by))]);
  return { algorithm, isCertified: algorithm.includes('-cert-'), key: blob, signed, signature };
}
const plain = (bent: Bent = {}): KeyProof => proofOf(key.blob, 'ssh-ed25519', bent);

async function certificate(change: Partial<Statement> = {}, by: Signer = signer): Promise<Buffer> {
  const { id } = await identity.tokens.mint({ principal: alice });
  const seconds = BigInt(now / 1000);
  const says: Statement = {
    key,
    serial: 1n,
    role: 'user',
    keyId: `sallyport:${id}`,
    principals: ['alice'],
    validAfter: seconds - 60n,
    validBefore: seconds + 600n,
    criticalOptions: new Map(),
    extensions: new Map(),
    ...change,
  };
  return writeCertificate(says, by);
}
const byCertificate = async (change: Partial<Statement> = {}, by?: Signer, bent: Bent = {}, at = login) =>
  identity.authenticateKey(proofOf(await certificate(change, by), certificateType(key.type), bent), at);

async function refused(outcome: ReturnType<Identity['authenticateKey']>, wanted: RegExp): Promise<void> {
  const found = await outcome;
  assert.ok('message' in found, 'it was let in');
  assert.match(found.message, wanted);
}
const add = () => identity.keys!.add({ principal: alice, name: 'laptop', key, address: '192.0.2.9' });

describe('a registered key', () => {
  it('says who somebody is, and remembers when', async () => {
    const { id } = await add();
    const found = await identity.authenticateKey(plain(), login);
    assert.deepEqual(found, {
      principal: alice,
      method: 'key',
      tokenId: id,
      expiresAt: undefined,
      connection: undefined,
    });
    const [kept] = await identity.keys!.list('user:alice');
    assert.deepEqual([kept?.lastUsedAt, kept?.lastUsedFrom], [now, '192.0.2.1']);
  });

  it('is one person’s only, once', async () => {
    await add();
    await assert.rejects(add(), /registered already/);
  });

  it('of nobody lets nobody in', () => refused(identity.authenticateKey(plain(), login), /not registered/));

  it('of one does not make another of them', async () => {
    await add();
    await refused(identity.authenticateKey(plain(), { ...login, user: 'bob' }), /not registered/);
    assert.ok('principal' in (await identity.authenticateKey(plain(), { ...login, user: 'alice' })));
  });

  for (const [what, bent] of Object.entries({
    'signed by another key': { by: other.privateKey },
    'signed for another session': { session: Buffer.alloc(32, 6) },
    'signed for another service': { service: 'ssh-userauth' },
    'signed for another method': { method: 'hostbased' },
    'offered where another was signed': { signedKey: publicKeyBlob(other.publicKey) },
    'offered with another algorithm than was signed': { signedAlgorithm: 'rsa-sha2-256' },
    'offered as a certificate': { algorithm: 'ssh-ed25519-cert-v01@openssh.com' },
    'offered with RSA and SHA-1': { algorithm: 'ssh-rsa' },
    'with bytes behind what was signed': { tail: Buffer.of(0) },
  })) {
    it(`is not believed: ${what}`, async () => {
      await add();
      await refused(
        identity.authenticateKey(plain(bent), login),
        /signature|signed request|certificate|not accepted|key/,
      );
    });
  }

  it('is worth nothing once it is removed, or its owner', async () => {
    const { id } = await add();
    const found = await identity.authenticateKey(plain(), login);
    assert.ok('principal' in found);
    assert.equal(await identity.recheck(found, '192.0.2.1'), undefined);
    const told: string[] = [];
    identity.keys!.onRemoved((one) => told.push(one));
    await identity.users.remove('alice');
    assert.deepEqual(told, [id]);
    assert.match((await identity.recheck(found, '192.0.2.1'))?.message ?? '', /no longer registered/);
    await identity.users.put({ name: 'alice', groups: ['engineering'] });
    await refused(identity.authenticateKey(plain(), login), /not registered/);
  });

  it('counts with the groups of now', async () => {
    await add();
    await identity.users.put({ name: 'alice', groups: ['elsewhere'] });
    const found = await identity.authenticateKey(plain(), login);
    assert.deepEqual('principal' in found && found.principal.groups, ['elsewhere']);
  });

  it('of somebody whom only a provider knows is good while they are signed in', async () => {
    const sam: Principal = { id: 'oidc:https://id#sam', name: 'sam', groups: ['a'], claims: {} };
    await identity.keys!.add({ principal: sam, name: '', key, address: '' });
    await refused(identity.authenticateKey(plain(), login), /sign-in has ended/);
    await identity.tokens.mint({ principal: sam, connection: 'host' });
    await refused(identity.authenticateKey(plain(), login), /sign-in has ended/);
    const { id, expiresAt } = await identity.tokens.mint({ principal: { ...sam, groups: ['b'] } });
    const found = await identity.authenticateKey(plain(), login);
    assert.ok('principal' in found);
    assert.deepEqual([found.expiresAt, found.principal.groups], [expiresAt, ['b']]);
    await identity.tokens.revoke(id);
    assert.ok(await identity.recheck(found, '192.0.2.1'));
    await refused(identity.authenticateKey(plain(), login), /sign-in has ended/);
  });

  it('that is guessed at costs time, and holds up no other address', async () => {
    await add();
    for (let i = 0; i < 5; i++) await identity.authenticateKey(plain({ by: other.privateKey }), login);
    await refused(identity.authenticateKey(plain(), login), /wait 1 s/);
    now += 1_000;
    assert.ok('principal' in (await identity.authenticateKey(plain(), login)));
  });
});

describe('a certificate', () => {
  it('of ours says who somebody is, and no longer than it holds', async () => {
    const found = await byCertificate();
    assert.ok('principal' in found);
    assert.deepEqual([found.method, found.principal, found.expiresAt], ['certificate', alice, now + 600_000]);
    assert.equal(await identity.recheck(found, '192.0.2.1'), undefined);
    await identity.tokens.revoke(found.tokenId ?? '');
    assert.match((await identity.recheck(found, '192.0.2.1'))?.message ?? '', /revoked/);
  });

  it('as it is issued', async () => {
    const { id } = await identity.tokens.mint({ principal: alice });
    const { blob, expiresAt } = authority.issue({ key, name: 'alice', tokenId: id, now, until: now + 5_500 });
    assert.equal(expiresAt, now + 5_000);
    const proof = () => proofOf(blob, 'ssh-ed25519-cert-v01@openssh.com');
    assert.ok('principal' in (await identity.authenticateKey(proof(), login)));
    now += 5_000;
    await refused(identity.authenticateKey(proof(), login), /expired at 2026-11-24T00:00:05/);
  });

  it('of a token for one connection opens that one only', async () => {
    const { id } = await identity.tokens.mint({ principal: alice, connection: 'host' });
    const keyId = `sallyport:${id}`;
    assert.ok('principal' in (await byCertificate({ keyId })));
    await refused(byCertificate({ keyId }, signer, {}, { ...login, connection: 'elsewhere' }), /"host" only/);
  });

  const stranger = ed25519Signer(other.privateKey);
  const lying: Signer = { publicKey: signer.publicKey, sign: (data) => stranger.sign(data) };
  const late = 1n << 62n;
  const allows = (value: string) => ({ criticalOptions: new Map([['source-address', value]]) });
  for (const [what, change, by, wanted] of [
    ['of another authority', {}, stranger, /another authority/],
    ['signed by another than it names', {}, lying, /signature is wrong/],
    ['for a host', { role: 'host' }, signer, /for a host/],
    ['for somebody else', { principals: ['bob'] }, signer, /not for alice/],
    ['for a name in other letters', { principals: ['Alice'] }, signer, /not for alice/],
    ['that does not hold yet', { validAfter: late, validBefore: late + 1n }, signer, /not hold yet/],
    ['that has expired', { validAfter: 0n, validBefore: 1n }, signer, /expired at 1970/],
    ['of no token', { keyId: 'alice' }, signer, /has ended/],
    ['of a token that never was', { keyId: 'sallyport:tok_none' }, signer, /has ended/],
    ['with a command that it forces', { criticalOptions: new Map([['force-command', 'ls']]) }, signer, /force-command/],
    ['with an option that nobody knows', { criticalOptions: new Map([['x@y', '']]) }, signer, /x@y/],
    ['for another address', allows('10.0.0.0/8,192.0.2.2'), signer, /not be used from/],
    ['for addresses that cannot be read', allows('192.0.2.0/24,nonsense'), signer, /not be used from/],
    ['for no address', allows(''), signer, /not be used from/],
  ] as const) {
    it(`${what} lets nobody in`, () => refused(byCertificate(change, by), wanted));
  }

  it('for the right address does', async () => {
    assert.ok('principal' in (await byCertificate(allows('10.0.0.0/8,192.0.2.0/24'))));
  });

  it('is no use without its key', () => refused(byCertificate({}, signer, { by: other.privateKey }), /signature/));

  it('names nobody, or with a comma: it is refused although it is ours', async () => {
    for (const principals of [[], ['alice,bob']]) {
      const blob = await certificate();
      const [from, to] = [string(string('alice')), string(Buffer.concat(principals.map(string)))];
      const at = blob.indexOf(from);
      const body = Buffer.concat([blob.subarray(0, at), to, blob.subarray(at + from.length, blob.length - 87)]);
      const forged = Buffer.concat([body, string(signer.sign(body))]);
      const outcome = identity.authenticateKey(proofOf(forged, 'ssh-ed25519-cert-v01@openssh.com'), login);
      await refused(outcome, principals.length === 0 ? /names nobody/ : /comma/);
    }
  });

  it('ends with the person, and takes their groups of now', async () => {
    await identity.users.put({ name: 'alice', groups: ['elsewhere'] });
    const found = await byCertificate();
    assert.deepEqual('principal' in found && found.principal.groups, ['elsewhere']);
    const proof = proofOf(await certificate(), 'ssh-ed25519-cert-v01@openssh.com');
    await identity.users.remove('alice');
    await refused(identity.authenticateKey(proof, login), /has ended/);
  });
});

it('addresses that a certificate is for', () => {
  for (const [list, address, is] of [
    ['10.0.0.0/8', '10.9.9.9', true],
    ['10.0.0.0/8', '::ffff:10.9.9.9', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['2001:db8::/32', '2001:db8::1', true],
    ['2001:db8::/32', '10.0.0.1', false],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['10.0.0.0/33', '10.0.0.1', false],
    ['10.0.0.1 ,10.0.0.2', '10.0.0.2', false],
    ['!10.0.0.1,0.0.0.0/0', '10.0.0.1', false],
    ['10.0.0.1', 'nowhere', false],
    [Array(300).fill('10.0.0.1').join(','), '10.0.0.1', false],
  ] as const) {
    assert.equal(isFrom(list, address), is, `${list.slice(0, 40)} ${address}`);
  }
});

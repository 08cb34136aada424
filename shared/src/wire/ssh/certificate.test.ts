import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  certifiedType,
  ed25519Signer,
  forever,
  isSignedByAuthority,
  readCertificate,
  type Signer,
  type Statement,
  writeCertificate,
} from './certificate.ts';
import { mpint, string, uint32, uint64 } from './fields.ts';
import { fingerprint, publicKeyBlob, publicKeyLine, readKeyLine, readPublicKey } from './key.ts';
import { verifySignature } from './signature.ts';

const kinds = [
  ['ed25519', []],
  ['ecdsa', ['-b', '256']],
  ['ecdsa', ['-b', '384']],
  ['ecdsa', ['-b', '521']],
  ['rsa', ['-b', '2048']],
] as const;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-certificates-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const keygen = (...args: string[]): string => execFileSync('ssh-keygen', args, { cwd: folder, encoding: 'utf8' });
let made = 0;
function newKey(type: string, more: readonly string[] = []): string {
  const file = join(folder, `key-${made++}`);
  keygen('-q', '-t', type, ...more, '-N', '', '-C', 'a comment', '-f', file);
  return file;
}
const blobOf = (file: string): Buffer => readKeyLine(readFileSync(file, 'utf8')).blob;
const wireError = { name: 'WireError' };

const pair = generateKeyPairSync('ed25519');
const authority = ed25519Signer(generateKeyPairSync('ed25519').privateKey);
const statement = (): Statement => ({
  key: readPublicKey(publicKeyBlob(pair.publicKey)),
  serial: 7n,
  role: 'user',
  keyId: 'somebody',
  principals: ['alice'],
  validAfter: 1_000n,
  validBefore: 2_000n,
  criticalOptions: new Map(),
  extensions: new Map([['permit-pty', '']]),
});

describe('certificates that ssh-keygen made', () => {
  for (const [type, more] of kinds) {
    for (const [caType, caMore] of kinds) {
      it(`of ${type} ${more.join('')}, signed by ${caType} ${caMore.join('')}`, () => {
        const [ca, key] = [newKey(caType, caMore), newKey(type, more)];
        keygen('-q', '-s', ca, '-I', 'an id', '-n', 'alice,bob', '-z', '4711', '-V', '20260101Z:20270101Z', key);
        const certificate = readCertificate(blobOf(`${key}-cert.pub`));
        assert.equal(certificate.role, 'user');
        assert.equal(certificate.keyId, 'an id');
        assert.equal(certificate.serial, 4711n);
        assert.deepEqual(certificate.principals, ['alice', 'bob']);
        assert.equal(certificate.validAfter, BigInt(Date.UTC(2026, 0, 1) / 1000));
        assert.equal(certificate.validBefore, BigInt(Date.UTC(2027, 0, 1) / 1000));
        assert.equal(certificate.extensions.get('permit-pty'), '');
        assert.deepEqual(certificate.key.blob, blobOf(`${key}.pub`));
        assert.deepEqual(certificate.authority.blob, blobOf(`${ca}.pub`));
        assert.equal(isSignedByAuthority(certificate), true);
        const broken = Buffer.from(blobOf(`${key}-cert.pub`));
        const at = broken.indexOf('alice');
        broken.write('alicf', at);
        assert.equal(isSignedByAuthority(readCertificate(broken)), false);
      });
    }
  }

  it('for hosts, without an end, with options', () => {
    const [ca, key] = [newKey('ed25519'), newKey('ed25519')];
    keygen('-q', '-s', ca, '-h', '-I', 'host', '-n', 'gw.example.com', key);
    const host = readCertificate(blobOf(`${key}-cert.pub`));
    assert.deepEqual([host.role, host.validAfter, host.validBefore, host.extensions.size], ['host', 0n, forever, 0]);
    const options = [
      '-O',
      'force-command=ls -l',
      '-O',
      'source-address=10.0.0.0/8,::1',
      '-O',
      'no-pty',
      '-O',
      'verify-required',
    ];
    keygen('-q', '-s', ca, '-I', 'user', '-n', 'alice', ...options, '-O', 'extension:hello@example.com=world', key);
    const user = readCertificate(blobOf(`${key}-cert.pub`));
    assert.deepEqual(
      [...user.criticalOptions],
      [
        ['force-command', 'ls -l'],
        ['source-address', '10.0.0.0/8,::1'],
        ['verify-required', ''],
      ],
    );
    assert.equal(user.extensions.get('hello@example.com'), 'world');
    assert.equal(user.extensions.has('permit-pty'), false);
    keygen('-q', '-s', ca, '-I', 'nobody', key);
    assert.deepEqual(readCertificate(blobOf(`${key}-cert.pub`)).principals, []);
  });

  it('fail where an RSA authority used SHA-1', () => {
    const [ca, key] = [newKey('rsa', ['-b', '2048']), newKey('ed25519')];
    keygen('-q', '-s', ca, '-t', 'ssh-rsa', '-I', 'id', '-n', 'alice', key);
    assert.throws(() => isSignedByAuthority(readCertificate(blobOf(`${key}-cert.pub`))), /"ssh-rsa" is not accepted/);
  });
});

describe('certificates of our own', () => {
  it('are read by ssh-keygen as they were meant', () => {
    const says = statement();
    const options = new Map([['source-address', '192.0.2.0/24']]);
    const extensions = new Map([
      ['permit-pty', ''],
      ['permit-agent-forwarding', ''],
    ]);
    const times = { validAfter: 1_767_225_600n, validBefore: 1_798_761_600n };
    const blob = writeCertificate({ ...says, ...times, criticalOptions: options, extensions }, authority);
    const file = join(folder, 'ours-cert.pub');
    writeFileSync(file, `${publicKeyLine('ssh-ed25519-cert-v01@openssh.com', blob, 'ours')}\n`);
    const told = execFileSync('ssh-keygen', ['-L', '-f', file], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    });
    assert.match(told, /ssh-ed25519-cert-v01@openssh\.com user certificate/);
    assert.match(told, /Key ID: "somebody"\s+Serial: 7\s+Valid: from 2026-01-01T00:00:00 to 2027-01-01T00:00:00/);
    assert.match(told, /Principals:\s+alice\s+Critical Options:\s+source-address 192\.0\.2\.0\/24/);
    assert.match(told, /Extensions:\s+permit-agent-forwarding\s+permit-pty/);
    assert.ok(told.includes(fingerprint(authority.publicKey)));
    assert.equal(isSignedByAuthority(readCertificate(blob)), true);
  });

  it('are of every kind of key', () => {
    for (const [type, more] of kinds) {
      const key = readPublicKey(blobOf(`${newKey(type, more)}.pub`));
      const read = readCertificate(writeCertificate({ ...statement(), key }, authority));
      assert.deepEqual(read.key.blob, key.blob);
      const file = join(folder, 'kind-cert.pub');
      writeFileSync(file, publicKeyLine(read.type, writeCertificate({ ...statement(), key }, authority)));
      assert.match(execFileSync('ssh-keygen', ['-L', '-f', file], { encoding: 'utf8' }), /Key ID: "somebody"/);
    }
  });

  for (const [what, change] of [
    ['nobody', { principals: [] }],
    ['somebody with a comma', { principals: ['alice,root'] }],
    ['an empty name', { principals: [''] }],
    ['a NUL in a name', { principals: ['alice\0root'] }],
    ['too many', { principals: Array.from({ length: 257 }, (_, i) => `p${i}`) }],
    ['an end before the beginning', { validAfter: 5n, validBefore: 5n }],
  ] as const) {
    it(`name no ${what}`, () => {
      assert.throws(() => writeCertificate({ ...statement(), ...change }, authority), RangeError);
    });
  }
});

/** The parts of a certificate, each of which a test may bend; signed as it then is. */
function bent(
  parts: Partial<
    Record<
      | 'type'
      | 'nonce'
      | 'key'
      | 'role'
      | 'principals'
      | 'after'
      | 'before'
      | 'options'
      | 'extensions'
      | 'reserved'
      | 'authority'
      | 'tail',
      Buffer
    >
  >,
  by: Signer = authority,
): Buffer {
  const body = Buffer.concat([
    parts.type ?? string('ssh-ed25519-cert-v01@openssh.com'),
    parts.nonce ?? string(Buffer.alloc(32, 1)),
    parts.key ?? publicKeyBlob(pair.publicKey).subarray(15),
    uint64(1n),
    parts.role ?? uint32(1),
    string('id'),
    string(parts.principals ?? string('alice')),
    parts.after ?? uint64(0n),
    parts.before ?? uint64(forever),
    string(parts.options ?? ''),
    string(parts.extensions ?? ''),
    string(parts.reserved ?? ''),
    string(parts.authority ?? by.publicKey),
  ]);
  return Buffer.concat([body, string(by.sign(body)), parts.tail ?? Buffer.alloc(0)]);
}
const option = (name: string, value?: string): Buffer =>
  Buffer.concat([string(name), string(value === undefined ? '' : string(value))]);

describe('what is no certificate', () => {
  it('is told from one that is', () => assert.equal(isSignedByAuthority(readCertificate(bent({}))), true));
  const certificateAsAuthority = bent({});
  for (const [what, blob] of Object.entries({
    'bytes behind its end': bent({ tail: Buffer.of(0) }),
    'another type than its key': bent({ type: string('ssh-rsa-cert-v01@openssh.com') }),
    'a type that is a plain key': bent({ type: string('ssh-ed25519') }),
    'a type that nobody knows': bent({ type: string('ssh-dss-cert-v01@openssh.com') }),
    'no nonce': bent({ nonce: string('') }),
    'role 0': bent({ role: uint32(0) }),
    'role 3': bent({ role: uint32(3) }),
    'an end before its beginning': bent({ after: uint64(9n), before: uint64(8n) }),
    'an end at its beginning': bent({ after: uint64(9n), before: uint64(9n) }),
    'a principal without a name': bent({ principals: string('') }),
    'a principal with a NUL': bent({ principals: string('alice\0') }),
    'a principal that is no UTF-8': bent({ principals: string(Buffer.of(0xff)) }),
    'half a principal': bent({ principals: uint32(9) }),
    'a principal as long as 4 GiB': bent({ principals: uint32(0xffff_ffff) }),
    '257 principals': bent({ principals: Buffer.concat(Array.from({ length: 257 }, () => string('a'))) }),
    'an option twice': bent({ options: Buffer.concat([option('a'), option('a')]) }),
    'options out of order': bent({ options: Buffer.concat([option('b'), option('a')]) }),
    'an option without a name': bent({ options: option('') }),
    'extensions out of order': bent({ extensions: Buffer.concat([option('b'), option('a')]) }),
    'an option with two values': bent({
      options: Buffer.concat([string('a'), string(Buffer.concat([string('x'), string('y')]))]),
    }),
    'an option with a bare value': bent({ options: Buffer.concat([string('a'), string('x')]) }),
    'too many options': bent({ options: Buffer.concat(Array.from({ length: 65 }, (_, i) => option(`o${100 + i}`))) }),
    'something reserved': bent({ reserved: string('x') }),
    'a certificate for an authority': bent({ authority: certificateAsAuthority }),
    'an authority with bytes behind it': bent({ authority: Buffer.concat([authority.publicKey, Buffer.of(0)]) }),
    'the point 0 for a key': bent({ key: string(Buffer.alloc(32)) }),
    'the point 1 for a key': bent({ key: string(Buffer.concat([Buffer.of(1), Buffer.alloc(31)])) }),
    'too much of everything': bent({ nonce: string(Buffer.alloc(40_000)) }),
    nothing: Buffer.alloc(0),
  })) {
    it(what, () => assert.throws(() => readCertificate(blob), wireError));
  }

  it('any part of one', () => {
    const whole = bent({ options: option('source-address', '10.0.0.1') });
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => readCertificate(whole.subarray(0, length)), wireError, `${length} bytes`);
    }
  });

  it('one with a byte changed: it is refused, or nobody signed it', () => {
    const whole = bent({ options: option('source-address', '10.0.0.1'), extensions: option('permit-pty') });
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      let accepted = false;
      try {
        accepted = isSignedByAuthority(readCertificate(changed));
      } catch (error) {
        assert.equal((error as Error).name, 'WireError');
      }
      assert.equal(accepted, false, `byte ${at}`);
    }
  });

  it('signed by one, naming another', () => {
    const other = ed25519Signer(generateKeyPairSync('ed25519').privateKey);
    assert.equal(isSignedByAuthority(readCertificate(bent({ authority: authority.publicKey }, other))), false);
  });

  it('the type alone says whether it may be one', () => {
    assert.equal(certifiedType('sk-ssh-ed25519-cert-v01@openssh.com'), 'sk-ssh-ed25519@openssh.com');
    for (const type of [
      'ssh-ed25519',
      'ssh-dss-cert-v01@openssh.com',
      '-cert-v01@openssh.com',
      'rsa-sha2-256-cert-v01@openssh.com',
    ])
      assert.equal(certifiedType(type), undefined);
  });
});

describe('public keys', () => {
  it('of every kind are read, with the fingerprint that ssh-keygen shows', () => {
    for (const [type, more] of kinds) {
      const file = `${newKey(type, more)}.pub`;
      const { blob, comment, type: name } = readKeyLine(readFileSync(file, 'utf8'));
      const key = readPublicKey(blob);
      assert.equal(key.type, name);
      assert.equal(comment, 'a comment');
      assert.ok(keygen('-l', '-f', file).includes(`${key.bits} ${fingerprint(blob)}`));
      assert.deepEqual(publicKeyBlob(key.key), blob);
    }
  });

  const smallOrder = [
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ];
  for (const point of [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    `01${'00'.repeat(30)}80`,
    `ec${'ff'.repeat(30)}7f`,
    `ec${'ff'.repeat(31)}`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
    'ff'.repeat(32),
    ...smallOrder,
    ...smallOrder.map((hex) => `${hex.slice(0, 62)}${(Number.parseInt(hex.slice(62), 16) | 0x80).toString(16)}`),
  ]) {
    it(`never of small order or in another form: ${point.slice(0, 8)}…${point.slice(-2)}`, () => {
      const blob = Buffer.concat([string('ssh-ed25519'), string(Buffer.from(point, 'hex'))]);
      assert.throws(() => readPublicKey(blob), wireError);
    });
  }

  const ec = readPublicKeyParts();
  function readPublicKeyParts(): Buffer {
    return publicKeyBlob(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
  }
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const strong = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const n = Buffer.from(strong.n ?? '', 'base64url');
  const rsaBlob = (...parts: Buffer[]): Buffer => Buffer.concat([string('ssh-rsa'), ...parts]);
  for (const [what, blob] of Object.entries({
    'a point off its curve': Buffer.concat([ec.subarray(0, -1), Buffer.of((ec.at(-1) ?? 0) ^ 1)]),
    'a compressed point': Buffer.concat([
      string('ecdsa-sha2-nistp256'),
      string('nistp256'),
      string(Buffer.concat([Buffer.of(2), ec.subarray(-64, -32)])),
    ]),
    'the point at infinity': Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(Buffer.of(0))]),
    'zeros for a point': Buffer.concat([
      string('ecdsa-sha2-nistp256'),
      string('nistp256'),
      string(Buffer.concat([Buffer.of(4), Buffer.alloc(64)])),
    ]),
    'another curve than its type': Buffer.concat([string('ecdsa-sha2-nistp384'), ec.subarray(23)]),
    'RSA of 1024 bits': publicKeyBlob(weak),
    'RSA with e = 1': rsaBlob(mpint(Buffer.of(1)), mpint(n)),
    'RSA with an even e': rsaBlob(mpint(Buffer.of(4)), mpint(n)),
    'RSA with an even modulus': rsaBlob(mpint(Buffer.of(3)), mpint(Buffer.concat([n.subarray(0, -1), Buffer.of(0)]))),
    'RSA with a negative modulus': rsaBlob(mpint(Buffer.of(3)), string(n)),
    'RSA with zeros in front': rsaBlob(mpint(Buffer.of(3)), string(Buffer.concat([Buffer.of(0, 0), n]))),
    'RSA with a modulus of 16 KiB': rsaBlob(mpint(Buffer.of(3)), mpint(Buffer.alloc(3000, 0xff))),
    'bytes behind its end': Buffer.concat([ec, Buffer.of(0)]),
    DSA: Buffer.concat([string('ssh-dss'), mpint(n)]),
    'a certificate': bent({}),
  })) {
    it(`but not ${what}`, () => assert.throws(() => readPublicKey(blob), wireError));
  }

  for (const line of [
    '',
    'ssh-ed25519',
    'ssh-ed25519 not*base64',
    `ssh-rsa ${publicKeyBlob(pair.publicKey).toString('base64')}`,
    `ssh-ed25519 ${publicKeyBlob(pair.publicKey).toString('base64')}AAAA`.replace('AAAA', ' x\ny'),
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    `ssh-ed25519 ${'A'.repeat(60_000)}`,
  ]) {
    it(`no line: ${line.slice(0, 40).replace('\n', ' ')}`, () => assert.throws(() => readKeyLine(line), wireError));
  }
});

describe('signatures', () => {
  const data = Buffer.from('what is signed');
  const wrap = (algorithm: string, bytes: Buffer, tail = Buffer.alloc(0)): Buffer =>
    Buffer.concat([string(algorithm), string(bytes), tail]);

  it('are the key’s own, over these bytes, in its own algorithm', () => {
    const key = readPublicKey(publicKeyBlob(pair.publicKey));
    const right = wrap('ssh-ed25519', sign(null, data, pair.privateKey));
    assert.equal(verifySignature(key, data, right).isRight, true);
    assert.equal(verifySignature(key, Buffer.from('what is signee'), right).isRight, false);
    assert.equal(verifySignature(key, data, wrap('ssh-ed25519', Buffer.alloc(0))).isRight, false);
    assert.throws(() => verifySignature(key, data, Buffer.concat([right, Buffer.of(0)])), wireError);
    assert.throws(() => verifySignature(key, data, wrap('rsa-sha2-256', sign(null, data, pair.privateKey))), wireError);
    assert.throws(() => verifySignature(key, data, wrap('constructor', Buffer.alloc(64))), wireError);
  });

  it('by RSA are SHA-2 only, and of the algorithm that was named', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = readPublicKey(publicKeyBlob(rsa.publicKey));
    const by512 = wrap('rsa-sha2-512', sign('sha512', data, rsa.privateKey));
    assert.equal(verifySignature(key, data, by512, 'rsa-sha2-512').isRight, true);
    assert.throws(() => verifySignature(key, data, by512, 'rsa-sha2-256'), wireError);
    assert.throws(() => verifySignature(key, data, wrap('ssh-rsa', sign('sha1', data, rsa.privateKey))), wireError);
    assert.equal(verifySignature(key, data, wrap('rsa-sha2-256', sign('sha1', data, rsa.privateKey))).isRight, false);
    assert.equal(verifySignature(key, data, wrap('rsa-sha2-256', Buffer.alloc(300))).isRight, false);
  });

  it('of security keys say whether somebody was there', () => {
    const key = securityKey(pair.publicKey);
    for (const [flags, touch] of [
      [1, { isPresent: true, isVerified: false }],
      [5, { isPresent: true, isVerified: true }],
      [0, { isPresent: false, isVerified: false }],
    ] as const) {
      assert.deepEqual(verifySignature(key, data, touched(data, flags, flags)), { isRight: true, touch });
    }
    assert.equal(verifySignature(key, data, touched(data, 0, 1)).isRight, false);
  });
  const hash = (bytes: string | Buffer): Buffer =>
    execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: bytes });
  function securityKey(publicKey: typeof pair.publicKey) {
    const point = publicKeyBlob(publicKey).subarray(15);
    return readPublicKey(Buffer.concat([string('sk-ssh-ed25519@openssh.com'), point, string('ssh:')]));
  }
  function touched(message: Buffer, signedFlags: number, toldFlags: number): Buffer {
    const body = Buffer.concat([hash('ssh:'), Buffer.of(signedFlags), uint32(9), hash(message)]);
    const tail = Buffer.concat([Buffer.of(toldFlags), uint32(9)]);
    return wrap('sk-ssh-ed25519@openssh.com', sign(null, body, pair.privateKey), tail);
  }
});

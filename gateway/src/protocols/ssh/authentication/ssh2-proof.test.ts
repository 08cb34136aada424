import assert from 'node:assert/strict';
import { createHash, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { string, uint32 } from '@sallyport/shared/wire/ssh/fields.ts';
import { publicKeyBlob, readPublicKey } from '@sallyport/shared/wire/ssh/key.ts';
import { verifySignature } from '@sallyport/shared/wire/ssh/signature.ts';
import { proofOf } from './ssh2-proof.ts';

const { sigSSHToASN1 } = createRequire(import.meta.url)('ssh2/lib/protocol/utils.js') as {
  sigSSHToASN1(signature: Buffer, type: string): Buffer | undefined;
};
const data = Buffer.from('what is signed');

/** As ssh2 1.17 hands over a signature that came as `string algorithm, string bytes`. */
function handedOver(algorithm: string, travelled: Buffer): Buffer {
  const kind = algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm;
  const start = 4 + algorithm.length + 4;
  const isSame = travelled.length > start && travelled.toString('utf8', 4, 4 + algorithm.length) === algorithm;
  return sigSSHToASN1(isSame ? travelled.subarray(start) : travelled, kind) ?? Buffer.alloc(0);
}

function isBelieved(algorithm: string, blob: Buffer, travelled: Buffer): boolean {
  const hashAlgo = /^rsa-sha2-(\d+)$/.exec(algorithm)?.[1];
  const algo = hashAlgo === undefined ? algorithm : 'ssh-rsa';
  const key = { algo, data: blob } as never;
  const request = { key, blob: data, signature: handedOver(algorithm, travelled) };
  const proof = proofOf(hashAlgo === undefined ? request : { ...request, hashAlgo: `sha${hashAlgo}` });
  assert.ok(proof);
  assert.equal(proof.algorithm, algorithm);
  assert.deepEqual(proof.signature, travelled);
  return verifySignature(readPublicKey(blob), data, proof.signature, algorithm).isRight;
}

const mpints = (raw: Buffer): Buffer =>
  Buffer.concat(
    [raw.subarray(0, raw.length / 2), raw.subarray(raw.length / 2)].map((half) => {
      const plain = half.subarray(half.findIndex((byte) => byte !== 0));
      return string((plain[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), plain]) : plain);
    }),
  );
const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

describe('a signature is put together again as it travelled', () => {
  for (const [algorithm, curve, hash] of [
    ['ecdsa-sha2-nistp256', 'P-256', 'sha256'],
    ['ecdsa-sha2-nistp384', 'P-384', 'sha384'],
    ['ecdsa-sha2-nistp521', 'P-521', 'sha512'],
  ] as const) {
    it(algorithm, () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
      for (let i = 0; i < 40; i++) {
        const raw = createSign(hash).update(data).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' });
        const travelled = Buffer.concat([string(algorithm), string(mpints(raw))]);
        assert.equal(isBelieved(algorithm, publicKeyBlob(publicKey), travelled), true);
      }
    });
  }

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const bits of ['256', '512']) {
    it(`rsa-sha2-${bits}`, () => {
      const algorithm = `rsa-sha2-${bits}`;
      const travelled = Buffer.concat([string(algorithm), string(sign(`sha${bits}`, data, rsa.privateKey))]);
      assert.equal(isBelieved(algorithm, publicKeyBlob(rsa.publicKey), travelled), true);
    });
  }

  const touch = Buffer.concat([Buffer.of(1), uint32(7)]);
  const ofSecurityKey = (privateKey: KeyObject, hash: string | null): Buffer => {
    const signed = Buffer.concat([sha256('ssh:'), touch, sha256(data)]);
    return hash === null
      ? sign(null, signed, privateKey)
      : mpints(sign(hash, signed, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
  };
  it('of security keys', () => {
    const edwards = generateKeyPairSync('ed25519');
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const [algorithm, fields, bytes] of [
      [
        'sk-ssh-ed25519@openssh.com',
        publicKeyBlob(edwards.publicKey).subarray(15),
        ofSecurityKey(edwards.privateKey, null),
      ],
      [
        'sk-ecdsa-sha2-nistp256@openssh.com',
        publicKeyBlob(curve.publicKey).subarray(23),
        ofSecurityKey(curve.privateKey, 'sha256'),
      ],
    ] as const) {
      const blob = Buffer.concat([string(algorithm), fields, string('ssh:')]);
      assert.equal(isBelieved(algorithm, blob, Buffer.concat([string(algorithm), string(bytes), touch])), true);
    }
  });
});

it('what only asks is no proof', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  assert.equal(proofOf({ key: { algo: 'ssh-ed25519', data: publicKeyBlob(publicKey) } } as never), undefined);
});

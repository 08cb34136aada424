import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { isSealed, Keyring, keyIdOf } from './keyring.ts';

const place = ['Connection', 'prod-db', 'credential.password'];
const secret = 'canary-4711 ü';
const refused = { name: 'Unavailable', code: 'ERR_SECRETS_UNAVAILABLE' };

describe('a keyring', () => {
  it('opens what it sealed, and never seals twice alike', () => {
    const ring = new Keyring(randomBytes(32));
    const sealed = Array.from({ length: 200 }, () => ring.seal(secret, place));
    assert.equal(new Set(sealed).size, 200);
    for (const text of sealed) {
      assert.ok(isSealed(text) && !text.includes('canary'));
      assert.equal(ring.open(text, place), secret);
    }
    assert.equal(ring.open(ring.seal('', place), place), '');
  });

  it('opens at its place only', () => {
    const ring = new Keyring(randomBytes(32));
    const sealed = ring.seal(secret, place);
    for (const other of [
      ['Connection', 'dev-db', 'credential.password'],
      ['IdentityProvider', 'prod-db', 'credential.password'],
      ['Connection', 'prod-db', 'credential', 'password'],
      ['Connection prod-db', 'credential.password'],
      [],
    ]) {
      assert.throws(() => ring.open(sealed, other), refused);
    }
  });

  it('sees every changed byte', () => {
    const ring = new Keyring(randomBytes(32));
    const sealed = ring.seal(secret, place);
    const at = sealed.lastIndexOf(':') + 1;
    const bytes = Buffer.from(sealed.slice(at), 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] as number) ^ 1;
      assert.throws(() => ring.open(sealed.slice(0, at) + changed.toString('base64url'), place), refused);
    }
    for (const length of [0, 1, 27, bytes.length - 1]) {
      const cut = sealed.slice(0, at) + bytes.subarray(0, length).toString('base64url');
      assert.throws(() => ring.open(cut, place), refused);
    }
  });

  it('opens with older keys, seals with the current one', () => {
    const [a, b] = [randomBytes(32), randomBytes(32)];
    const old = new Keyring(a).seal(secret, place);
    const ring = new Keyring(b, [a]);
    assert.equal(ring.open(old, place), secret);
    assert.equal(keyIdOf(ring.seal(secret, place)), new Keyring(b).currentId);
    assert.notEqual(keyIdOf(old), ring.currentId);
  });

  it('names the key that is missing, and nothing of secret or key', () => {
    const [a, b] = [randomBytes(32), randomBytes(32)];
    const sealed = new Keyring(a).seal(secret, place);
    assert.throws(
      () => new Keyring(b).open(sealed, place),
      (error: Error) => {
        assert.match(error.message, new RegExp(`sealed with the key ${new Keyring(a).currentId}`));
        assert.match(error.message, /Connection prod-db credential\.password/);
        for (const key of [a, b]) assert.ok(!error.message.includes(key.toString('hex').slice(0, 8)));
        return true;
      },
    );
    // Another key under the id of the right one opens nothing either.
    const forged = sealed.replace(keyIdOf(sealed) ?? '', new Keyring(b).currentId);
    assert.throws(() => new Keyring(b).open(forged, place), refused);
  });
});

import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { Passwords } from './password.ts';

/** A hash at a lower cost, as an older gateway may have written it. */
const cheap = (password: string): string => {
  const salt = Buffer.alloc(16, 7);
  const key = scryptSync(password, salt, 32, { N: 2 ** 4, r: 1, p: 1 });
  return `$scrypt$ln=4,r=1,p=1$${salt.toString('base64url')}$${key.toString('base64url')}`;
};

describe('a hash', () => {
  it('carries its parameters and a salt of its own', async () => {
    const passwords = new Passwords();
    const [one, two] = await Promise.all([passwords.hash('secret'), passwords.hash('secret')]);
    assert.match(one, /^\$scrypt\$ln=15,r=8,p=1\$[\w-]{22}\$[\w-]{43}$/);
    assert.notEqual(one, two);
    assert.equal(await passwords.verify('secret', one), true);
    assert.equal(await passwords.verify('Secret', one), false);
  });

  it('is checked by the parameters that it carries', async () => {
    assert.equal(await new Passwords().verify('secret', cheap('secret')), true);
    assert.equal(await new Passwords().verify('secret', cheap('other')), false);
  });

  it('is the same for one text in two spellings', async () => {
    assert.equal(await new Passwords().verify('cafe\u0301', cheap('caf\u00e9')), true);
  });

  it('is not made of nothing or of too much', async () => {
    for (const password of ['', 'x'.repeat(1025), '\u20ac'.repeat(400)]) {
      await assert.rejects(new Passwords().hash(password), RangeError);
      assert.equal(await new Passwords().verify(password, cheap('secret')), false);
    }
  });

  for (const encoded of [
    '',
    'secret',
    '$scrypt$ln=30,r=8,p=1$',
    cheap('x').replace('ln=4', 'ln=24'),
    cheap('x').replace('p=1', 'p=0'),
  ]) {
    it(`that cannot be one is never right: ${encoded.slice(0, 24)}`, async () => {
      await assert.rejects(new Passwords().verify('x', encoded), /cannot be read/);
    });
  }
});

it('nobody takes as much work as somebody', async () => {
  const passwords = new Passwords();
  const encoded = await passwords.hash('secret');
  const cpuMs = async (hash: string | undefined) => {
    const before = process.cpuUsage();
    assert.equal(await passwords.verify('wrong', hash), false);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  // Well above nothing is all that a busy machine lets us say.
  assert.ok((await cpuMs(undefined)) > (await cpuMs(encoded)) / 4);
});

describe('many at once', () => {
  it('wait their turn, and too many are refused', async () => {
    const passwords = new Passwords({ atOnce: 1, maxWaiting: 2 });
    const encoded = cheap('secret');
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => passwords.verify('secret', encoded)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
    );
    assert.ok(results[3]?.status === 'rejected' && results[3].reason instanceof Unavailable);
    assert.equal(await passwords.verify('secret', encoded), true);
  });

  it('are asked again when their turn comes', async () => {
    const passwords = new Passwords({ atOnce: 1 });
    let mayTry = true;
    const first = passwords.verify('secret', cheap('secret'), () => mayTry);
    const second = passwords.verify('secret', cheap('secret'), () => mayTry);
    mayTry = false;
    assert.deepEqual(await Promise.all([first, second]), [true, false]);
  });

  it('go on after one that failed', async () => {
    const passwords = new Passwords({ atOnce: 1 });
    const broken = passwords.verify('x', 'broken');
    const next = passwords.verify('secret', cheap('secret'));
    await assert.rejects(broken);
    assert.equal(await next, true);
  });
});

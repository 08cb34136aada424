import assert from 'node:assert/strict';
import { it } from 'node:test';
import ssh2 from 'ssh2';
import { generate } from './ssh.ts';

it('a host key that the library cannot read again is made anew, not kept', () => {
  const { generateKeyPairSync, parseKey } = ssh2.utils;
  let tries = 0;
  const library = {
    generateKeyPairSync,
    parseKey: (text: Parameters<typeof parseKey>[0]) => {
      tries += 1;
      return tries < 3 ? new Error('Malformed OpenSSH private key') : parseKey(text);
    },
  } as typeof ssh2.utils;
  const key = generate('ssh_host_ed25519.key', library);
  assert.ok(!(parseKey(key) instanceof Error));
  assert.equal(tries, 3);
  const broken = { ...library, parseKey: () => new Error('no') } as typeof ssh2.utils;
  assert.throws(() => generate('ssh_host_ecdsa.key', broken), /no SSH host key could be made/);
});

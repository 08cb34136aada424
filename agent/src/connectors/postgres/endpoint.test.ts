import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { serverEndPoint } from './endpoint.ts';

const cases: readonly (readonly [name: string, options: readonly string[], hash: string | undefined])[] = [
  ['RSA with SHA-1 counts as SHA-256', ['-newkey', 'rsa:2048', '-sha1'], 'sha256'],
  ['RSA with SHA-512', ['-newkey', 'rsa:2048', '-sha512'], 'sha512'],
  ['ECDSA with SHA-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-sha384'], 'sha384'],
  ['RSA-PSS with SHA-384', ['-newkey', 'rsa:2048', '-sha384', '-sigopt', 'rsa_padding_mode:pss'], 'sha384'],
  ['Ed25519 has no hash', ['-newkey', 'ed25519'], undefined],
];

for (const [name, options, hash] of cases) {
  test(name, () => {
    const folder = mkdtempSync(join(tmpdir(), 'endpoint-'));
    try {
      const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'crt')];
      execFileSync('openssl', ['req', '-x509', '-nodes', '-subj', '/CN=x', ...options, ...files], { stdio: 'pipe' });
      const { raw } = new X509Certificate(readFileSync(join(folder, 'crt')));
      const expected = hash === undefined ? undefined : createHash(hash).update(raw).digest();
      assert.deepEqual(serverEndPoint(raw), expected);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

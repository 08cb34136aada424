import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { version } from '@sallyport/shared/version.ts';

it('what gateway and agent say of themselves is what their packages say', () => {
  for (const workspace of ['.', 'shared', 'gateway', 'agent']) {
    const file = join(import.meta.dirname, '../..', workspace, 'package.json');
    assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version, version, workspace);
  }
});

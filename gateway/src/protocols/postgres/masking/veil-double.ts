import type { Veil } from '../../protocol.ts';

/** A veil for tests: its detector finds the word CANARY, its hashes tell the length that they were given. */
export function testVeil(): Veil {
  return {
    stream: () => {
      throw new Error('a table is no stream');
    },
    inspects: true,
    protects: true,
    suspects: () => true,
    unknown: { mask: 'unknown', as: 'redact' },
    treatment: ([, , column]) => (column === 'ssn' ? { mask: 'm', as: 'hash' } : undefined),
    mayProtect: ([, table]) => table === 'users',
    inspect(text) {
      const latin1 = text.toString('latin1');
      return latin1.includes('CANARY') ? Buffer.from(latin1.replaceAll('CANARY', '[redacted]'), 'latin1') : text;
    },
    replace(value, { as }) {
      switch (as) {
        case 'null':
          return undefined;
        case 'redact':
          return Buffer.from('[redacted]');
        case 'hash':
          return Buffer.from(`hash-of-${value.length}`);
        case 'partial':
          return Buffer.from(
            `${'*'.repeat(Math.max(0, value.length - 4))}${value.toString('latin1').slice(-4)}`,
            'latin1',
          );
      }
    },
  };
}

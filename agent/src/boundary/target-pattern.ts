import { isIP } from 'node:net';
import { isWithin, wrongRange } from '@sallyport/shared/access/address-range.ts';
import { globOf } from '@sallyport/shared/access/glob.ts';

/** One thing that the network's owner lists: addresses or names, with a port. */
export interface TargetPattern {
  readonly kind: 'addresses' | 'names' | 'private';
  readonly matchesHost: (hostOrAddress: string) => boolean;
  readonly matchesPort: (port: number) => boolean;
}

/**
 * `10.0.3.7:5432`, `10.0.0.0/8:*`, `[2001:db8::]/32:5432`, `db.corp.example:5432`, `*.corp.example:5430-5439`, and `private`
 * for what is allowed where nothing is listed.
 * @throws Error that says what is wrong
 */
export function readPattern(text: string): TargetPattern {
  if (text === 'private') return { kind: 'private', matchesHost: () => true, matchesPort: () => true };
  const [, bracketed, bits = '', plain, ports = ''] =
    /^(?:\[([0-9a-fA-F:.]+)\](\/\d{1,3})?|([^\s:[\]]+)):(\*|\d{1,5}(?:-\d{1,5})?)$/.exec(text) ?? [];
  const host = bracketed === undefined ? plain : bracketed + bits;
  if (host === undefined) throw wrong(text, 'write HOST:PORT, RANGE:PORT or [IPv6]/BITS:PORT, with * for every port');
  const matchesPort = readPorts(text, ports);
  const [address = ''] = host.split('/');
  if (isIP(address) !== 0 || host.includes('/')) {
    const why = wrongRange(host);
    if (why !== undefined) throw wrong(text, why);
    return { kind: 'addresses', matchesHost: (one) => isWithin(one, [host]), matchesPort };
  }
  if (!/^[A-Za-z0-9*_.-]{1,253}$/.test(host)) throw wrong(text, `"${host}" is no host name`);
  if (!/[^*.]/.test(host))
    throw wrong(text, 'a name of stars alone is everything; write 0.0.0.0/0 and ::/0 where that is meant');
  const matches = globOf(host.toLowerCase());
  return { kind: 'names', matchesHost: (one) => matches(tidyName(one)), matchesPort };
}

/** Names are the same in any case, with and without the last dot. */
const tidyName = (name: string): string => name.toLowerCase().replace(/\.$/, '');

function readPorts(text: string, ports: string): (port: number) => boolean {
  if (ports === '*') return () => true;
  const [first = 0, last = first] = ports.split('-').map(Number);
  if (first < 1 || last > 65_535 || first > last) throw wrong(text, `"${ports}" is no port`);
  return (port) => port >= first && port <= last;
}

const wrong = (text: string, why: string): Error => new Error(`SALLYPORT_TARGETS: "${text}": ${why}`);

import { isWithin } from '@sallyport/shared/access/address-range.ts';

/** Of the machine's own link and of no network: above all the metadata services of clouds, which hand out logins. */
const neverByName = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '0.0.0.0/8',
  '::',
  '224.0.0.0/4',
  'ff00::/8',
  '255.255.255.255',
];
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];
const loopbackRanges = ['127.0.0.0/8', '::1'];

export type Place = 'metadata' | 'loopback' | 'private' | 'public';

/** What kind of place an IP address is. What embeds another address is as far as that one. */
export function placeOf(address: string): Place {
  const plain = embedded(address) ?? address;
  if (isWithin(plain, neverByName)) return 'metadata';
  if (isWithin(plain, loopbackRanges)) return 'loopback';
  return isWithin(plain, privateRanges) ? 'private' : 'public';
}

/** NAT64 (RFC 6052) and the deprecated `::a.b.c.d` lead to an IPv4 address; `::1` and `::` are themselves. */
function embedded(address: string): string | undefined {
  const groups = address.toLowerCase().split('%')[0] ?? '';
  const isNat64 = isWithin(groups, ['64:ff9b::/96', '64:ff9b:1::/48']);
  const isCompatible = isWithin(groups, ['::/96']) && !isWithin(groups, ['::/120']);
  if (!isNat64 && !isCompatible) return undefined;
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(groups)?.[1];
  if (dotted !== undefined) return dotted;
  const [, high = '0', low = '0'] = /([0-9a-f]{0,4}):([0-9a-f]{1,4})$/.exec(groups) ?? [];
  const [a, b] = [Number.parseInt(high === '' ? '0' : high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

import { BlockList, isIP } from 'node:net';

const MAX_ENTRIES = 256;

/**
 * Whether an address is in a list such as `10.0.0.0/8,2001:db8::/32,192.0.2.7`. A list that cannot be read in full lets
 * nobody in. @see OpenSSH PROTOCOL.certkeys, "source-address"
 */
export function isFrom(list: string, address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const family = familyOf(plain);
  const entries = list.split(',');
  if (family === undefined || entries.length > MAX_ENTRIES) return false;
  const allowed = new BlockList();
  return entries.every((entry) => add(allowed, entry)) && allowed.check(plain, family);
}

function add(allowed: BlockList, entry: string): boolean {
  const [, network = '', length] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const family = familyOf(network);
  if (family === undefined) return false;
  const widest = family === 'ipv4' ? 32 : 128;
  const bits = length === undefined ? widest : Number(length);
  if (bits > widest) return false;
  allowed.addSubnet(network, bits, family);
  return true;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined =>
  isIP(address) === 4 ? 'ipv4' : isIP(address) === 6 ? 'ipv6' : undefined;

import { isIPv4, isIPv6 } from 'node:net';

/** Addresses that begin with the same bits. */
interface Bits {
  readonly width: 32 | 128;
  readonly value: bigint;
}

const V4_MAPPED = 0xffffn << 32n;

/**
 * Why a text is no range of addresses; undefined for `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`. An IPv4 range holds for
 * the same addresses written as IPv6 (`::ffff:10.0.0.1`) too, and `::/0` for no IPv4 address.
 */
export function wrongRange(text: string): string | undefined {
  const range = read(text);
  if (range === undefined) return `"${text}" is no range of addresses such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7`;
  const hostBits = BigInt(range.bits.width - range.prefix);
  if ((range.bits.value >> hostBits) << hostBits === range.bits.value) return undefined;
  return `"${text}" has bits set behind its /${range.prefix}: write the network's first address, or the one address alone`;
}

/** Whether an IP address is in any of these ranges. What cannot be read is in none. */
export function isWithin(address: string, ranges: readonly string[]): boolean {
  const bits = bitsOf(address);
  return bits !== undefined && ranges.some((text) => holds(text, bits));
}

function holds(text: string, { width, value }: Bits): boolean {
  const range = read(text);
  if (range === undefined || range.bits.width !== width) return false;
  const rest = BigInt(width - range.prefix);
  return range.bits.value >> rest === value >> rest;
}

function read(text: string): { readonly bits: Bits; readonly prefix: number } | undefined {
  const [, address = '', length] = /^([0-9a-fA-F:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = bitsOf(address);
  if (bits === undefined) return undefined;
  // Mapped ranges count their bits from the front of the longer form.
  const ahead = bits.width === 32 && isIPv6(address) ? 96 : 0;
  const prefix = length === undefined ? bits.width : Number(length) - ahead;
  return prefix >= 0 && prefix <= bits.width ? { bits, prefix } : undefined;
}

function bitsOf(address: string): Bits | undefined {
  const [plain = ''] = address.split('%');
  if (isIPv4(plain)) return { width: 32, value: ofV4(plain) };
  if (!isIPv6(plain)) return undefined;
  const value = ofV6(plain);
  return value >> 32n === V4_MAPPED >> 32n ? { width: 32, value: value & 0xffff_ffffn } : { width: 128, value };
}

const ofV4 = (address: string): bigint => address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);

function ofV6(address: string): bigint {
  const [head = '', tail] = address.split('::');
  const [front, back] = [wordsOf(head), wordsOf(tail ?? '')];
  const zeros = Array<bigint>(Math.max(0, 8 - front.length - back.length)).fill(0n);
  return [...front, ...zeros, ...back].reduce((sum, word) => (sum << 16n) | word, 0n);
}

/** The last two may be written as an IPv4 address. */
function wordsOf(part: string): bigint[] {
  if (part === '') return [];
  return part.split(':').flatMap((word) => {
    if (!word.includes('.')) return [BigInt(`0x${word}`)];
    const value = ofV4(word);
    return [value >> 16n, value & 0xffffn];
  });
}

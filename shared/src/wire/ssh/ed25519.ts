const P = 2n ** 255n - 19n;

/**
 * Whether 32 bytes are a point that one signature cannot fit many messages under: its y is in its only form, and it is
 * none of the points of small order. @see RFC 8032, 5.1.3 and 8.4
 */
export function isSoundPoint(encoded: Uint8Array): boolean {
  if (encoded.length !== 32) return false;
  const y = BigInt(`0x${Buffer.from(encoded).reverse().toString('hex')}`) & (2n ** 255n - 1n);
  if (y >= P) return false;
  const square = (y * y) % P;
  // Of order 1, 2 and 4: y is 1, -1 or 0. Of order 8: d·y⁴ + 2·y² = 1, where doubling it makes y zero.
  const ofOrder8 = (-121_665n * square * square + 121_666n * (2n * square - 1n)) % P;
  return square !== 0n && square !== 1n && ofOrder8 !== 0n;
}

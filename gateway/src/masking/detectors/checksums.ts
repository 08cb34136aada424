/*
 * Check digits of national identity numbers. Each takes the number without separators, upper case, already of the
 * right form, and says whether its checksum holds.
 */

const digitAt = (text: string, at: number): number => text.charCodeAt(at) - 48;

function weighted(text: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * digitAt(text, i), 0);
}

/** Spain: DNI and NIE, a letter by the number modulo 23. */
export function dni(text: string): boolean {
  const number = text.slice(0, -1).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter)));
  return number.length === 8 && 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number) % 23] === text.at(-1);
}

const oddValues = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** Italy: a letter by the sum of the fifteen before it (decree of 23 December 1976). */
export function codiceFiscale(text: string): boolean {
  if (text.length !== 16) return false;
  let sum = 0;
  for (let i = 0; i < 15; i++) {
    const code = text.charCodeAt(i);
    const value = code < 65 ? code - 48 : code - 65;
    sum += i % 2 === 0 ? (oddValues[value] ?? 0) : value;
  }
  return String.fromCharCode(65 + (sum % 26)) === text[15];
}

/** France: 97 less the number modulo 97; Corsica's 2A and 2B count as 19 and 18. */
export function nir(text: string): boolean {
  if (text.length !== 15) return false;
  const number = text.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - (Number(number) % 97) === Number(text.slice(13));
}

/** Germany: ISO 7064 MOD 11,10; among the first ten digits exactly one occurs twice or three times. */
export function steuerId(text: string): boolean {
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10; i++) counts[digitAt(text, i)]! += 1;
  if (counts.filter((count) => count > 1).length !== 1 || Math.max(...counts) > 3) return false;
  let product = 10;
  for (let i = 0; i < 10; i++) {
    const sum = (digitAt(text, i) + product) % 10 || 10;
    product = (2 * sum) % 11;
  }
  return (11 - product) % 10 === digitAt(text, 10);
}

/** The Netherlands: the eleven test, the last digit weighed with −1. */
export function bsn(text: string): boolean {
  return !/^(\d)\1*$/.test(text) && weighted(text, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0;
}

/** Brazil: two check digits modulo 11. */
export function cpf(text: string): boolean {
  if (/^(\d)\1*$/.test(text)) return false;
  const check = (count: number) => {
    const weights = Array.from({ length: count }, (_, i) => count + 1 - i);
    return ((weighted(text, weights) * 10) % 11) % 10;
  };
  return check(9) === digitAt(text, 9) && check(10) === digitAt(text, 10);
}

const inDihedral = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
] as const;
const permutations = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
] as const;

/** India: Verhoeff's check over twelve digits. */
export function aadhaar(text: string): boolean {
  let check = 0;
  for (let i = 0; i < text.length; i++) {
    const permuted = permutations[i % 8]![digitAt(text, text.length - 1 - i)]!;
    check = Number(inDihedral[check]![Number(permuted)]);
  }
  return check === 0;
}

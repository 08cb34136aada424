/** @see PostgreSQL source, src/common/d2s.c and f2s.c: shortest digits that read back as the same number */
export function float8Text(value: number): string {
  return floatText(value, value.toExponential(), 15);
}

export function float4Text(value: number): string {
  let digits = 0;
  while (digits < 8 && Math.fround(Number(value.toExponential(digits))) !== value) digits++;
  return floatText(value, value.toExponential(digits), 6);
}

/** Beyond `plainBelow` digits before the point, or four zeros behind it, with an exponent. */
function floatText(value: number, exponential: string, plainBelow: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', power = '0'] = exponential.split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < plainBelow) return String(Number(exponential));
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

const signs = new Map([
  [0xc000, 'NaN'],
  [0xd000, 'Infinity'],
  [0xf000, '-Infinity'],
]);

/** Digits that a number is worth writing out for; numeric goes up to 131,072 before the point. */
const MAX_GROUPS = 4_096;

/** Groups of four decimal digits. Undefined where the bytes are none. @see numeric_send in src/backend/utils/adt/numeric.c */
export function numericText(bytes: Buffer): string | undefined {
  if (bytes.length < 8) return undefined;
  const count = bytes.readUInt16BE(0);
  const weight = bytes.readInt16BE(2);
  const sign = bytes.readUInt16BE(4);
  const scale = bytes.readUInt16BE(6);
  const special = signs.get(sign);
  if (special !== undefined) return special;
  if (bytes.length !== 8 + 2 * count || weight > MAX_GROUPS || scale > 4 * MAX_GROUPS) return undefined;
  const group = (power: number): string => {
    const index = weight - power;
    return index < 0 || index >= count ? '0000' : String(bytes.readUInt16BE(8 + 2 * index)).padStart(4, '0');
  };
  let whole = '';
  for (let power = weight; power >= 0; power--) whole += group(power);
  let fraction = '';
  for (let power = -1; fraction.length < scale; power--) fraction += group(power);
  const shown = whole.replace(/^0+(?=\d)/, '') || '0';
  return `${sign === 0x4000 ? '-' : ''}${shown}${scale === 0 ? '' : `.${fraction.slice(0, scale)}`}`;
}

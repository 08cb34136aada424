const SAMPLE_BYTES = 512;
const MAX_STRANGE_SHARE = 0.1;

/** Compressed or packed: gzip, zip, zstd, xz, bzip2, lz4, 7z, ELF, PNG, JPEG, GIF, git's packs, SQLite. */
const magics = ['1f8b08', '504b0304', '28b52ffd', 'fd377a585a00', '425a68', '04224d18', '377abcaf271c', '7f454c46']
  .concat(['89504e470d0a1a0a', 'ffd8ff', '474946383', '5041434b0000', '53514c69746520666f726d617420330'])
  .map((hex) => Buffer.from(hex.length % 2 === 0 ? hex : hex.slice(0, -1), 'hex'));

/** Whether a stream that begins so is no text: a known format, a NUL byte, or a tenth of it neither text nor UTF-8. */
export function isBinary(first: Buffer): boolean {
  const sample = first.subarray(0, SAMPLE_BYTES);
  if (magics.some((magic) => sample.subarray(0, magic.length).equals(magic))) return true;
  if (sample.includes(0)) return true;
  let strange = 0;
  for (const char of sample.toString('utf8')) {
    const code = char.codePointAt(0)!;
    if (code === 0xfffd || (code < 0x20 && code !== 0x1b && !(code >= 0x07 && code <= 0x0d))) strange++;
  }
  // A character may be cut at the sample's end.
  return strange - 1 > sample.length * MAX_STRANGE_SHARE;
}

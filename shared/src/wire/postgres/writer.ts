/** One message: type byte, length, then `parts`. Strings get their closing NUL, numbers come as buffers. */
export function message(type: number, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const bodies = parts.map((part) => (typeof part === 'string' ? cstring(part) : part));
  const header = Buffer.allocUnsafe(5);
  header[0] = type;
  header.writeInt32BE(4 + bodies.reduce((sum, body) => sum + body.length, 0), 1);
  return Buffer.concat([header, ...bodies]);
}

/** @throws RangeError for text with a NUL, which the wire cannot carry. */
export function cstring(text: string): Buffer {
  if (text.includes('\0')) throw new RangeError('a string for the wire holds a NUL');
  return Buffer.from(`${text}\0`, 'utf8');
}

export function int16(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 2);
  values.forEach((value, i) => {
    bytes.writeInt16BE(value, i * 2);
  });
  return bytes;
}

export function int32(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeInt32BE(value | 0, i * 4);
  });
  return bytes;
}

/** A value behind its length, −1 for NULL. */
export function value(bytes: Uint8Array | null): Buffer {
  return bytes === null ? int32(-1) : Buffer.concat([int32(bytes.length), bytes]);
}

import { decodeRowDescription, rowDescription } from '@sallyport/shared/wire/postgres/backend.ts';

/**
 * A RowDescription without its names, for a result of which nobody knows where it comes from: a statement that was
 * put together from values may name its columns after them. @throws WireError
 */
export function anonymous(buffer: Buffer, start: number, end: number): Buffer {
  const fields = decodeRowDescription(buffer, start, end);
  return rowDescription(fields.map((field, i) => ({ ...field, name: `column${i + 1}` })));
}

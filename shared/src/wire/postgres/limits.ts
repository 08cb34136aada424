/** A StartupMessage may be this long: MAX_STARTUP_PACKET_LENGTH of PostgreSQL's `pqcomm.h`. Bytes. */
export const MAX_STARTUP_BYTES = 10_000;

/** Any message before AuthenticationOk: PG_MAX_AUTH_TOKEN_LENGTH of PostgreSQL's `auth.c`. Bytes. */
export const MAX_AUTH_MESSAGE_BYTES = 65_535;

/** Messages that are read as a whole (Query, Parse, Bind, RowDescription, …). PostgreSQL itself ends at 1 GiB. Bytes. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Messages of the size of data (CopyData, DataRow): `PQ_LARGE_MESSAGE_LIMIT`, MaxAllocSize − 1. Bytes. */
export const MAX_DATA_MESSAGE_BYTES = 0x3fff_fffe;

/** A message that may be streamed is streamed from this length on, in parts, without being assembled. Bytes. */
export const STREAM_ABOVE_BYTES = 64 * 1024;

/** Type byte and length word. Bytes. */
export const HEADER_BYTES = 5;

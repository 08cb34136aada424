/** Of a head or of trailers as JSON, which may be longer than on the wire. Bytes. */
export const MAX_HEAD_BYTES = 256 * 1024;
/** Of one data frame. Bytes. */
export const MAX_DATA_BYTES = 256 * 1024;
/** Header fields of one message. */
export const MAX_FIELDS = 256;
/** Names and values of one message's header together. Bytes. */
export const MAX_FIELD_BYTES = 64 * 1024;

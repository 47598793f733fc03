/** Bounds of a key and a value. */

/** UTF-16 units of a key: 768 bytes at the most. */
export const KV_KEY_CHARACTERS_MAX = 256;
/**
 * Bytes of a value. They travel in the arguments of a tool, 1,048,576 characters at the most, as base64:
 * 1,024,000 characters, so that there is room for the key beside them, each character of it escaped.
 */
export const KV_VALUE_BYTES_MAX = 768_000;

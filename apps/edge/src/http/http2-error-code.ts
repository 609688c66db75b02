/** Error codes of RFC 9113 §7 that the edge sends. */
export const Http2ErrorCode = {
  NoError: 0,
  InternalError: 2,
  RefusedStream: 7,
  Cancel: 8,
  EnhanceYourCalm: 11,
} as const;

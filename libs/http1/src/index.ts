export { bodyDecoder } from './body-decoder.ts';
export type { BodyDecoder, BodySink } from './body-decoder.ts';
export { ChunkedDecoder, DEFAULT_CHUNK_LIMITS } from './chunked-decoder.ts';
export type { ChunkLimits } from './chunked-decoder.ts';
export { CHUNK_END, chunkHeader, lastChunk } from './chunked-encoding.ts';
export {
  addField,
  FieldError,
  fieldLine,
  fieldsOf,
  getField,
  removeField,
  setField,
  trimmed,
  withoutFields,
} from './fields.ts';
export type { ForwardedFields } from './forwarded-fields.ts';
export { checkPartialAnswer, checkPartialHead, findHeadEnd, headStart, unendingHead } from './head-end.ts';
export { hostnameOf } from './hostname.ts';
export { asUpstreamError, Http1Error } from './http1-error.ts';
export type { Http1ErrorCode } from './http1-error.ts';
export { LengthDecoder } from './length-decoder.ts';
export { DEFAULT_HEAD_LIMITS } from './limits.ts';
export type { HeadLimits } from './limits.ts';
export { isKnownMethod } from './methods.ts';
export { parseRequestHead, readRequestHead } from './request-head.ts';
export type { RequestHead } from './request-head.ts';
export { parseResponseHead, readResponseHead } from './response-head.ts';
export type { ResponseHead } from './response-head.ts';
export { readTrailers } from './trailers.ts';

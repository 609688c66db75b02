export { GoAwayCode, ResetCode, goAwayName, isFinalRefusal, isUndelivered } from './codes.ts';
export { FrameDecoder } from './decoder.ts';
export type { FrameSink } from './decoder.ts';
export {
  FIRST_SKIPPABLE_KIND,
  Flag,
  HEADER_BYTES,
  Kind,
  MAX_HEAD_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_SKIPPED_BYTES,
  MAX_STREAM_ID,
  MAX_VERSION,
  MIN_VERSION,
  PREFACE,
  PREFACE_BYTES,
  WEBSOCKET_PATH,
  WEBSOCKET_SUBPROTOCOL,
  readU32,
  writeHeader,
  writeU32,
} from './frame.ts';
export { decodeGoAway, decodeReset, encodeGoAway, encodeReset } from './go-away.ts';
export type { GoAway, Reset } from './go-away.ts';
export {
  chooseVersion,
  decodeEdges,
  decodeHello,
  decodeVersions,
  decodeWelcome,
  encodeEdges,
  encodeHello,
  encodeWelcome,
} from './hello.ts';
export type {
  AgentHello,
  EdgeAddress,
  Hello,
  HelloBody,
  OfferedVersions,
  PeerHello,
  Welcome,
  WelcomeBody,
} from './hello.ts';
export { Protocol, openBytes, packUuid, readOpen, unpackUuid, writeOpen } from './open.ts';
export type { OpenMeta, ReadOpen } from './open.ts';
export { ProtocolError } from './protocol-error.ts';

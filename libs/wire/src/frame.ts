/**
 * The frame: ten bytes of header and a payload. Fields are big-endian; docs/protocol.md, section 3.
 *
 *     kind u8 | flags u8 | stream u32 | length u32 | payload
 */
export const HEADER_BYTES = 1 + 1 + 4 + 4;

/** What a dialer sends before its first frame, so that one port can tell links from TLS and WebSocket. */
export const PREFACE = 'CULVERT\n';
export const PREFACE_BYTES = PREFACE.length;

/** The versions of the protocol that this implementation speaks. */
export const MIN_VERSION = 1;
export const MAX_VERSION = 1;

/** Stream ids count up, odd ones for streams that the dialer opens, even ones for the listener's, and begin anew after this one. */
export const MAX_STREAM_ID = 0x3fff_ffff;

export const Kind = {
  /** Dialer to listener: who I am. Payload: Hello as JSON after a fixed part. */
  Hello: 1,
  /** Listener to dialer: you are attached. */
  Welcome: 2,
  /** Listener to a peer edge: prove that you hold the cluster's secret. */
  Challenge: 3,
  /** A peer edge's answer. */
  Proof: 4,
  /** Opens a stream: metadata, perhaps a head, perhaps its first bytes. */
  Open: 5,
  /** The stream has been taken; sent only when no answer is ready soon. */
  Accept: 6,
  /** A response head (interim or final), perhaps with the first bytes of the body. */
  Head: 7,
  Data: 8,
  /** Field lines after a body; ends the direction. */
  Trailers: 9,
  /** Ends the stream in both directions at once, with a code. */
  Reset: 10,
  /** The receiver takes so many more bytes of the stream. */
  Credit: 11,
  Ping: 12,
  Pong: 13,
  /** No new streams on this link; with the code that says why. Before a welcome: refused. */
  GoAway: 14,
  /** The edges that an agent may dial, sent when the list changes. */
  Edges: 15,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Kinds from here on may be skipped by a receiver that does not know them; others are an error. */
export const FIRST_SKIPPABLE_KIND = 0x80;

export const Flag = {
  /** The sender's direction of the stream ends with this frame. */
  End: 1,
} as const;

/** Payload bytes that a frame of each kind may announce; refused before anything is buffered. */
export const MAX_PAYLOAD_BYTES: Readonly<Record<Kind, number>> = {
  [Kind.Hello]: 16_384,
  [Kind.Welcome]: 65_536,
  [Kind.Challenge]: 64,
  [Kind.Proof]: 128,
  [Kind.Open]: 196_608,
  [Kind.Accept]: 0,
  [Kind.Head]: 196_608,
  [Kind.Data]: 262_144,
  [Kind.Trailers]: 65_536,
  [Kind.Reset]: 1_024,
  [Kind.Credit]: 4,
  [Kind.Ping]: 8,
  [Kind.Pong]: 8,
  [Kind.GoAway]: 1_024,
  [Kind.Edges]: 65_536,
};
/** Bound for kinds that are skipped. */
export const MAX_SKIPPED_BYTES = 65_536;

/** Bytes of a head (request or response) that an opening or answering frame may carry. */
export const MAX_HEAD_BYTES = 131_072;

/** Where links over WebSocket are asked for, and the subprotocol to offer and to accept. */
export const WEBSOCKET_PATH = '/culvert/link';
export const WEBSOCKET_SUBPROTOCOL = 'culvert.v1';
/** Bytes of one WebSocket message; to be set at the WebSocket, which gathers a message before it hands it over. */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** Writes a frame's header; returns the offset behind it. */
export function writeHeader(
  to: Buffer,
  at: number,
  kind: Kind,
  flags: number,
  stream: number,
  length: number,
): number {
  to[at] = kind;
  to[at + 1] = flags;
  writeU32(to, at + 2, stream);
  writeU32(to, at + 6, length);
  return at + HEADER_BYTES;
}

/** Store and load by single bytes: measured faster in hot loops than Buffer's checked readers. */
export function writeU32(to: Buffer, at: number, value: number): void {
  to[at] = value >>> 24;
  to[at + 1] = value >>> 16;
  to[at + 2] = value >>> 8;
  to[at + 3] = value;
}

/** Reads what `writeU32` wrote; the caller has checked that four bytes are there. */
export function readU32(from: Buffer, at: number): number {
  return ((from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!) >>> 0;
}

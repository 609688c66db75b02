import { readClientHello } from './client-hello.ts';
import { Malformed, needMore } from './verdict.ts';
import type { SniffLimits } from './sniff.ts';
import type { Verdict } from './verdict.ts';

const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;
/** RFC 8446 §5.1. */
const MAX_RECORD = 16_384;

/** Gathers the ClientHello from its TLS records, however it is cut into them, and reads it. */
export function sniffHello(bytes: Buffer, limits: SniffLimits): Verdict {
  const parts: Buffer[] = [];
  let have = 0;
  let at = 0;
  for (let records = 0; ; records += 1) {
    const want = helloLength(parts, have, limits);
    if (want !== undefined && have >= want)
      return readClientHello(Buffer.concat(parts).subarray(HANDSHAKE_HEADER, want));
    if (records === limits.helloRecords) throw new Malformed('client hello in too many records');
    checkRecordHeader(bytes, at);
    if (bytes.length < at + RECORD_HEADER) return needMore(at + RECORD_HEADER);
    const end = at + RECORD_HEADER + bytes.readUInt16BE(at + 3);
    const part = bytes.subarray(at + RECORD_HEADER, end);
    // An over-long hello is refused as soon as its length has arrived, not when its record is complete.
    helloLength([...parts, part], have + part.length, limits);
    if (bytes.length < end) return needMore(end);
    parts.push(part);
    have += part.length;
    at = end;
  }
}

/** Bytes of the hello with its header, once that header is there. */
function helloLength(parts: readonly Buffer[], have: number, limits: SniffLimits): number | undefined {
  const first = parts.find((part) => part.length > 0);
  if (first !== undefined && first[0] !== CLIENT_HELLO)
    throw new Malformed('first handshake message is no client hello');
  if (have < HANDSHAKE_HEADER) return undefined;
  const length = Buffer.concat(parts, HANDSHAKE_HEADER).readUIntBE(1, 3) + HANDSHAKE_HEADER;
  if (length > limits.helloBytes) throw new Malformed('client hello too large');
  return length;
}

/** Checks as much of a record's header as has arrived. */
function checkRecordHeader(bytes: Buffer, at: number): void {
  if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD)
    throw new Malformed('record within client hello is no handshake');
  if (bytes.length > at + 1 && bytes[at + 1] !== 3) throw new Malformed('bad record version');
  if (bytes.length > at + 2 && bytes[at + 2]! > 4) throw new Malformed('bad record version');
  if (bytes.length < at + RECORD_HEADER) return;
  const length = bytes.readUInt16BE(at + 3);
  if (length === 0 || length > MAX_RECORD) throw new Malformed('bad record length');
}

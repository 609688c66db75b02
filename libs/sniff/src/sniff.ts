import { sniffHello } from './client-hello-records.ts';
import { sniffHttp } from './http-prefix.ts';
import { sniffProxyV1 } from './proxy-v1.ts';
import { sniffProxyV2 } from './proxy-v2.ts';
import { Malformed, needMore } from './verdict.ts';
import type { Verdict } from './verdict.ts';

export interface SniffLimits {
  /** The whole ClientHello, in bytes. */
  readonly helloBytes: number;
  /** The TLS records that it may be spread over. */
  readonly helloRecords: number;
  /** A PROXY v2 header with its TLVs, in bytes. */
  readonly proxyHeaderBytes: number;
}

export const DEFAULT_SNIFF_LIMITS: SniffLimits = {
  helloBytes: 65_536,
  helloRecords: 64,
  proxyHeaderBytes: 4_096,
};

const HANDSHAKE_RECORD = 0x16;
const CR = 0x0d;
const P = 0x50;

/**
 * Tells what buffer[0, length) begins. Pure: call it again from the start when more has arrived, as soon as there
 * are `atLeast` bytes. Nothing is announced into memory: an over-long hello or header is refused by its length.
 */
export function sniff(buffer: Buffer, length: number, limits: SniffLimits = DEFAULT_SNIFF_LIMITS): Verdict {
  if (length === 0) return needMore(1);
  const bytes = buffer.length === length ? buffer : buffer.subarray(0, length);
  switch (bytes[0]) {
    case HANDSHAKE_RECORD:
      return guarded('tls', () => sniffHello(bytes, limits));
    case CR:
      return guarded('proxy-protocol', () => sniffProxyV2(bytes, limits)) ?? sniffHttp(bytes);
    case P:
      return guarded('proxy-protocol', () => sniffProxyV1(bytes)) ?? sniffHttp(bytes);
    default:
      return sniffHttp(bytes);
  }
}

function guarded<T extends Verdict | undefined>(
  protocol: 'tls' | 'proxy-protocol',
  read: () => T,
): T | Verdict {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'invalid', protocol, reason: error.message };
    throw error;
  }
}

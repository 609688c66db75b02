import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export const NONCE_BYTES = 32;

export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

/** What both edges put under their proofs, so that a proof is good for this one handshake only. */
export interface ProofSubject {
  /** Whose proof it is; a proof sent back to its maker proves nothing. */
  readonly by: 'dialer' | 'listener';
  /** The dialing edge's id. */
  readonly edge: string;
  readonly dialerNonce: Buffer;
  readonly listenerNonce: Buffer;
}

/** HMAC-SHA256 under the cluster's secret; docs/protocol.md, section 4.2. */
export function proofOf(secret: string, subject: ProofSubject): Buffer {
  return createHmac('sha256', secret)
    .update(`culvert peer ${subject.by}\n${subject.edge}\n`)
    .update(subject.dialerNonce)
    .update(subject.listenerNonce)
    .digest();
}

/** Compares in constant time. */
export function proves(proof: Buffer, secret: string, subject: ProofSubject): boolean {
  const expected = proofOf(secret, subject);
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}

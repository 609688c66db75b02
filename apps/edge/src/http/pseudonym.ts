import { randomBytes, scryptSync } from 'node:crypto';

/** scrypt's cost: some milliseconds once, so that guessing a weak secret from its pseudonym is slow. */
const COST = 4_096;
const BYTES = 6;

/**
 * What the edges of an installation are called in Via (RFC 9110 §7.6.3): the same for all that share a secret, and for no
 * other installation. An edge without a secret has a name of its own.
 */
export function pseudonymOf(installation: string, secret: string | undefined): string {
  const bytes =
    secret === undefined
      ? randomBytes(BYTES)
      : scryptSync(secret, `via ${installation}`, BYTES, { N: COST, maxmem: 1 << 26 });
  return `culvert-${bytes.toString('hex')}`;
}

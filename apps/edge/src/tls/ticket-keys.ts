import { hkdfSync, randomBytes } from 'node:crypto';

/** What node:tls wants: a name, a key for the digest and one for the cipher, 16 bytes each. */
const TICKET_KEY_BYTES = 48;

/**
 * What session tickets are sealed with. All edges that share the secret take each other's tickets, also after a
 * restart; without a secret they are good for this process.
 */
export function newTicketKeys(secret: string | undefined): Buffer {
  if (secret === undefined) return randomBytes(TICKET_KEY_BYTES);
  return Buffer.from(hkdfSync('sha256', secret, '', 'culvert tls session tickets', TICKET_KEY_BYTES));
}

import { createHash } from 'node:crypto';

/**
 * The tunnel of agents that were started without a file: the same token and the same public name or port give the
 * same UUID (version 8, RFC 9562 section 5.8), so that several of them share the work.
 */
export function tunnelIdOf(token: string, publicName: string): string {
  const digest = createHash('sha256').update(token).digest('hex');
  const bytes = createHash('sha256')
    .update(`culvert tunnel\n${digest}\n${publicName}`)
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x80;
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return groups.join('-');
}

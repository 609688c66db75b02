import { createHash } from 'node:crypto';

const TUNNEL_BASE = 0x1000_0000;

/** The UUID of the n-th tunnel: the same in every run. */
export function tunnelId(n: number): string {
  const hex = (TUNNEL_BASE + n).toString(16).padStart(8, '0');
  return `${hex}-0000-4000-8000-${createHash('sha256').update(hex).digest('hex').slice(0, 12)}`;
}

/** As long as customers' names are: 24 characters or so. */
export function hostname(n: number): string {
  return `app-${n.toString(36)}.c${n % 9_973}.example.com`;
}

/** The token that all simulated agents attach with; a router's file holds it. */
export const SHARED_TOKEN = 'simulated-agents';
export const SHARED_DIGEST = digestOf(SHARED_TOKEN);

/** The tunnel's token, as the registry knows it. */
export function tokenDigest(n: number): string {
  return digestOf(`token of tunnel ${n}`);
}

/** What the tunnel's agents claim besides the routes that exist. */
export function claimedHostname(n: number): string {
  return `claimed-${n.toString(36)}.example.net`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

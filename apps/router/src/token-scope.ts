import { patternWithin } from '@culvert/registry';
import type { TokenRecord } from '@culvert/registry';
import type { Claims } from '@culvert/signals';

/** Whether a token may serve a tunnel. */
export function mayServe({ tunnels }: TokenRecord, tunnel: string): boolean {
  return tunnels === '*' || tunnels.includes(tunnel);
}

export function mayClaimHostname({ hostnames }: TokenRecord, pattern: string): boolean {
  return hostnames.some((allowed) => patternWithin(pattern, allowed));
}

export function mayClaimPort({ ports }: TokenRecord, port: number): boolean {
  return ports.some(({ from, to }) => from <= port && port <= to);
}

export function mayClaimAll(token: TokenRecord, { hostnames, ports }: Claims): boolean {
  return (
    hostnames.every((hostname) => mayClaimHostname(token, hostname)) &&
    ports.every((port) => mayClaimPort(token, port))
  );
}

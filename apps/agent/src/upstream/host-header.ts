import type { Endpoint } from './endpoint.ts';

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, h2c: 80, https: 443 };

/** A head with another Host. It has exactly one, as the parser has made sure. */
export function withHost(head: string, host: string): string {
  return head.replace(/\r\nHost:[^\r]*\r\n/i, () => `\r\nHost: ${host}\r\n`);
}

/** The Host by which a service knows itself: without the port where that goes without saying. */
export function hostOf(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return 'localhost';
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return endpoint.port === DEFAULT_PORTS[endpoint.kind] ? host : `${host}:${endpoint.port}`;
}

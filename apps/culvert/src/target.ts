import { resolve } from 'node:path';
import { parseService, type Service } from '@culvert/agent/settings';
import { UsageError } from './failure.ts';

/** What people type: a port, host:port, a URL or unix:PATH; as the `service` of an ingress rule. */
export function targetService(target: string, scheme: 'http' | 'tcp'): string {
  const service = /^\d+$/.test(target) ? `${scheme}://127.0.0.1:${target}` : withScheme(target, scheme);
  const parsed = parseService(service, resolve);
  if (parsed === undefined || !fits(parsed, scheme)) {
    const forms = scheme === 'http' ? 'a port, host:port, a URL or unix:PATH' : 'a port or host:port';
    throw new UsageError(`${JSON.stringify(target)} is not a target; expected ${forms}`);
  }
  return service;
}

function withScheme(target: string, scheme: 'http' | 'tcp'): string {
  const whole = /^(unix|http_status):/.test(target) || target.includes('://');
  return whole ? target : `${scheme}://${target}`;
}

function fits(service: Service, scheme: 'http' | 'tcp'): boolean {
  return (service.kind === 'tcp') === (scheme === 'tcp') && service.kind !== 'status';
}

import { Http1Error } from './http1-error.ts';

const PROTOCOL = /^[\w!#$%&'*+.^`|~-]+(?:\/[\w!#$%&'*+.^`|~-]+)?$/;

/**
 * The protocols of an Upgrade field worth passing on, or `undefined` when none is left. `h2c` never is: an
 * upstream that switched to it would speak requests past our checks.
 */
export function upgradeOf(value: string): string | undefined {
  if (value === 'websocket') return value;
  const protocols = value
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
  if (!protocols.every((protocol) => PROTOCOL.test(protocol))) {
    throw new Http1Error('bad_request', 'bad upgrade protocol');
  }
  const passed = protocols.filter((protocol) => !/^h2c?$/i.test(protocol) && !/^HTTP\//i.test(protocol));
  return passed.length === 0 ? undefined : passed.join(', ');
}

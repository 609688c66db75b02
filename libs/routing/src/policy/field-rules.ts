/** Which fields the header rules of a route may name. */

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** Of the connection or of a message's framing: values that the edge understands and writes itself. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export type MessageKind = 'request' | 'response';
export type FieldAction = 'set' | 'add' | 'remove';

/**
 * What is wrong with a rule for this name, in words. A name to be removed may end in `*`, which takes all that begin
 * so. `_` counts as `-`: CGI-like services see no difference, so neither spelling may be smuggled in.
 */
export function fieldRuleProblem(kind: MessageKind, action: FieldAction, name: string): string | undefined {
  const wild = action === 'remove' && name.endsWith('*');
  const plain = wild ? name.slice(0, -1) : name;
  if (!TOKEN.test(plain) || plain.includes('*')) return 'is no name of a header field';
  if (wild) return undefined;
  const known = plain.toLowerCase().replaceAll('_', '-');
  if (FRAMING.has(known)) return 'belongs to the connection, so no rule may change it';
  if (kind === 'request' && known === 'host' && action !== 'set')
    return 'can be set, but not added or removed: every request has one';
  if (kind === 'request' && known === 'via') return 'is how loops are found, so no rule may change it';
  return undefined;
}

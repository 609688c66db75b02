import { describe, expect, it } from 'vitest';
import { fieldRuleProblem } from '../index.ts';

describe('a header rule', () => {
  it.each(['X-Env', 'server', 'X-Forwarded-For', 'set-cookie', 'x_env'])('may be about %s', (name) => {
    for (const kind of ['request', 'response'] as const) {
      for (const action of ['set', 'add', 'remove'] as const) {
        expect(fieldRuleProblem(kind, action, name)).toBeUndefined();
      }
    }
  });

  it.each(['', 'a b', 'a:', 'é', 'a\r\nb', 'X-*-Y', ':path'])('is never about %j', (name) => {
    expect(fieldRuleProblem('request', 'remove', name)).toBe('is no name of a header field');
  });

  it.each([
    'Connection',
    'content-length',
    'Transfer-Encoding',
    'transfer_encoding',
    'TE',
    'Upgrade',
    'Expect',
  ])('leaves the framing alone: %s', (name) => {
    expect(fieldRuleProblem('request', 'set', name)).toContain('belongs to the connection');
    expect(fieldRuleProblem('response', 'remove', name)).toContain('belongs to the connection');
  });

  it('may take away all names that begin alike', () => {
    expect(fieldRuleProblem('request', 'remove', 'X-Debug-*')).toBeUndefined();
    expect(fieldRuleProblem('request', 'set', 'X-Debug-*')).toBeDefined();
  });

  it('may set the host that a service is asked for', () => {
    expect(fieldRuleProblem('request', 'set', 'Host')).toBeUndefined();
    expect(fieldRuleProblem('request', 'remove', 'Host')).toBeDefined();
    expect(fieldRuleProblem('request', 'add', 'Host')).toBeDefined();
  });
});

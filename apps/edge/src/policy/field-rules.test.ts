import { fieldsOf, parseRequestHead } from '@culvert/http1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldRules } from './field-rules.ts';
import { filled } from './request-facts.ts';
import type { RequestFacts } from './request-facts.ts';
import { parseTemplate } from '@culvert/routing';

const head = parseRequestHead(
  'GET /a/b?c=d HTTP/1.1\r\nHost: App.Test:8080\r\nX-Env: one\r\nx-env: two\r\nCookie: a=1\r\n\r\n',
);
const facts: RequestFacts = {
  head,
  client: {
    address: '2001:db8::7',
    text: '[2001:db8::7]:5000',
    proto: 'https',
    peer: { address: '2001:db8::7', text: '', port: 5_000, trusted: false },
    host: undefined,
    forwardedFields: '',
    forwardedStart: undefined,
  } as unknown as RequestFacts['client'],
  requestId: 'r-1',
  tunnel: 't-1',
  edge: 'eu-1',
  region: 'eu',
};
const BLOCK =
  'X-Env: one\r\nServer: nginx\r\nX-Debug-A: 1\r\nx_debug_b: 2\r\nConnection: TE\r\nTE: trailers\r\n';

describe('placeholders', () => {
  it.each([
    ['{client_ip}', '2001:db8::7'],
    ['{client_port}', '5000'],
    ['{host}', 'app.test'],
    ['{method} {scheme}://{host}{uri}', 'GET https://app.test/a/b?c=d'],
    ['{path}|{query}', '/a/b|c=d'],
    ['{request_id} {tunnel} {edge} {region}', 'r-1 t-1 eu-1 eu'],
    ['{request_header.X-Env}', 'one, two'],
    ['{request_header.Host}', 'App.Test:8080'],
    ['[{request_header.absent}]', '[]'],
    ['{{host}}', '{host}'],
  ])('%s stands for %s', (text, value) => {
    expect(filled(parseTemplate(text), facts)).toBe(value);
  });
});

describe('header rules', () => {
  const apply = (rules: ConstructorParameters<typeof FieldRules>[1], block = BLOCK) =>
    new FieldRules('response', rules).apply(block, facts);

  it('remove, then set, then add', () => {
    const rules = {
      add: { 'X-Env': ['three', '{method}'], 'X-New': 'n' },
      set: { 'x-env': 'two', 'X-Id': '{request_id}' },
      remove: ['server'],
    };
    expect(apply(rules)).toBe(
      'X-Debug-A: 1\r\nx_debug_b: 2\r\nConnection: TE\r\nTE: trailers\r\n' +
        'x-env: two\r\nX-Id: r-1\r\nX-Env: three\r\nX-Env: GET\r\nX-New: n\r\n',
    );
  });

  it('remove all that begin alike, with "_" for "-", but nothing of the framing', () => {
    expect(apply({ remove: ['X-Debug-*'] })).toBe(
      'X-Env: one\r\nServer: nginx\r\nConnection: TE\r\nTE: trailers\r\n',
    );
    expect(apply({ remove: ['c*', 't*', 'X-Debug-B'] })).toBe(
      'X-Env: one\r\nServer: nginx\r\nX-Debug-A: 1\r\nConnection: TE\r\nTE: trailers\r\n',
    );
  });

  it('leave a block without rules as it is', () => {
    expect(apply({})).toBe(BLOCK);
    expect(apply({ set: {}, add: {}, remove: [] })).toBe(BLOCK);
  });

  it('keep the Host that is set apart from the fields', () => {
    const rules = new FieldRules('request', { set: { HOST: 'shop.internal' } });
    expect([rules.host, rules.apply('A: b\r\n', facts)]).toEqual([['shop.internal'], 'A: b\r\n']);
  });

  it('of an unknown kind are not followed', () => {
    expect(() => apply({ set: { 'Content-Length': '1' } })).toThrow('belongs to the connection');
    expect(() => apply({ set: { A: '{later}' } })).toThrow('unknown placeholder');
  });

  it('cannot begin another field, whatever a request holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const odd = { ...facts, requestId: value, head: { ...head, fields: '' } };
        const rules = new FieldRules('request', {
          set: { 'X-Id': 'a{request_id}' },
          add: { B: '{request_id}' },
        });
        const block = rules.apply('', odd);
        expect([...fieldsOf(block)].map(([name]) => name)).toEqual(['X-Id', 'B']);
        expect(block.match(/[\r\n]/g)).toHaveLength(4);
      }),
    );
  });
});

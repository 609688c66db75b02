import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRedirect, parseTemplate, TemplateError } from '../index.ts';

describe('a template', () => {
  it.each([
    ['', []],
    ['plain', ['plain']],
    ['{client_ip}', [{ placeholder: 'client_ip' }]],
    ['a {method}{host} b', ['a ', { placeholder: 'method' }, { placeholder: 'host' }, ' b']],
    ['{request_header.X-Env}', [{ requestHeader: 'x-env' }]],
    ['{{client_ip}}', ['{client_ip}']],
    ['{{{client_ip}}}', ['{', { placeholder: 'client_ip' }, '}']],
    ['a}b', ['a}b']],
  ])('%j is %j', (text, segments) => {
    expect(parseTemplate(text)).toEqual(segments);
  });

  it.each([
    '{',
    'a{b',
    '{}',
    '{client ip}',
    '{Client_ip}',
    '{request_header.}',
    '{request_header.a b}',
    '{a{method}}',
  ])('refuses %j', (text) => {
    expect(() => parseTemplate(text)).toThrow(TemplateError);
  });

  it('names what it does not know, and what it does', () => {
    expect(() => parseTemplate('x {nobody}')).toThrow(
      /unknown placeholder \{nobody\}; known are \{client_ip\}/,
    );
  });

  it('keeps every text once its braces are doubled', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseTemplate(text.replace(/[{}]/g, '$&$&'))).toEqual(text === '' ? [] : [text]);
      }),
    );
  });
});

describe('the target of a redirect', () => {
  it.each([
    'https://www.example.com{uri}',
    'https://www.example.com:8443/a?from={host}',
    'http://{host}{uri}',
    '{scheme}://{host}:8080/{query}',
    'https://[::1]:8443{path}',
    'https://example.com',
    '/new{path}',
    '/',
  ])('may be %s', (to) => {
    expect(parseRedirect(to).length).toBeGreaterThan(0);
  });

  it.each([
    'www.example.com',
    '//example.com',
    'ftp://example.com',
    'javascript:alert(1)',
    'https://{request_header.x}/',
    'https://example.com{query}',
    'https://user@example.com/',
    'https://{host}.evil.test/',
    'https://{host}{query}',
    'https:///x',
    '/a b',
    '/\\evil.test',
    '{uri}',
  ])('may not be %s', (to) => {
    expect(() => parseRedirect(to)).toThrow(TemplateError);
  });
});

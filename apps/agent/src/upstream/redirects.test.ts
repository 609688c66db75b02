import { Http1Error, parseRequestHead, parseResponseHead } from '@culvert/http1';
import { describe, expect, it } from 'vitest';
import { parseService } from '../service.ts';
import type { Endpoint } from './endpoint.ts';
import { leads, Redirects } from './redirects.ts';

const endpoint = (service: string) => parseService(service, (path) => path) as Endpoint;

function mapped(service: string, location: string, options: { host?: string; fields?: string } = {}): string {
  const forwarded = options.fields ?? 'X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.test:8443\r\n';
  const request = parseRequestHead(`GET / HTTP/1.1\r\nHost: app.test\r\n${forwarded}\r\n`);
  const text = `HTTP/1.1 302 Found\r\nA: b\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
  const redirects = new Redirects({ mode: 'map', endpoint: endpoint(service), host: options.host });
  const { fields } = redirects.checked(parseResponseHead(text, 'GET'), request);
  expect(fields).toMatch(/^A: b\r\nLocation: [^\r]*\r\n$/);
  return fields.slice('A: b\r\nLocation: '.length, -2);
}

describe('a redirect', () => {
  it.each([
    ['http://10.0.0.7:3000', 'http://10.0.0.7:3000/login?a=b#c', '/login?a=b#c'],
    ['http://10.0.0.7:3000', 'http://10.0.0.7:3000', ''],
    ['http://10.0.0.7:3000', 'HTTP://10.0.0.7:03000/', '/'],
    ['http://10.0.0.7:3000', 'https://10.0.0.7:3000/', '/'],
    ['http://10.0.0.7:3000', 'http://user:secret@10.0.0.7:3000/', '/'],
    ['http://app', 'http://app/x', '/x'],
    ['http://app', 'http://APP.:80/x', '/x'],
    ['https://app', 'https://app/x', '/x'],
    ['h2c://app:50051', 'http://app:50051/x', '/x'],
    ['http://127.0.0.1:3000', 'http://localhost:3000/', '/'],
    ['http://localhost:3000', 'http://[::1]:3000/', '/'],
    ['http://[fd00::7]:3000', 'http://[fd00::7]:3000/', '/'],
    ['unix:/run/app.sock', 'http://localhost/', '/'],
  ])('of %s to %s leads to the public address', (service, location, rest) => {
    expect(mapped(service, location)).toBe(`https://app.test:8443${rest}`);
  });

  it.each([
    ['http://10.0.0.7:3000', 'http://10.0.0.7:3001/'],
    ['http://10.0.0.7:3000', 'http://10.0.0.7/'],
    ['http://10.0.0.7:3000', 'http://localhost:3000/'],
    ['http://10.0.0.7:3000', 'https://elsewhere.example/10.0.0.7:3000/'],
    ['http://10.0.0.7:3000', 'http://10.0.0.7:3000.elsewhere.example/'],
    ['http://10.0.0.7:3000', '/login'],
    ['http://10.0.0.7:3000', 'login?next=http://10.0.0.7:3000/'],
    ['http://10.0.0.7:3000', 'custom://10.0.0.7:3000/'],
    ['http://app', 'https://app/'],
  ])('of %s to %s goes on as it is', (service, location) => {
    expect(mapped(service, location)).toBe(location);
  });

  it('without a scheme keeps none', () => {
    expect(mapped('http://app', '//app/x')).toBe('//app.test:8443/x');
  });

  it('to the Host that the service is given leads to the public address', () => {
    expect(mapped('http://10.0.0.7:3000', 'http://shop.internal/x', { host: 'shop.internal' })).toBe(
      'https://app.test:8443/x',
    );
    expect(mapped('http://10.0.0.7:3000', 'http://shop.internal:81/', { host: 'shop.internal' })).toBe(
      'http://shop.internal:81/',
    );
  });

  it('goes by the Host of the request where the edge tells nothing that can be used', () => {
    const fields = 'X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a/b\r\n';
    expect(mapped('http://app', 'http://app/x', { fields })).toBe('http://app.test/x');
  });

  it('may be refused', () => {
    const request = parseRequestHead('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
    const answer = parseResponseHead('HTTP/1.1 302 Found\r\nLocation: http://app/\r\n\r\n', 'GET');
    const redirects = new Redirects({ mode: 'refuse', endpoint: endpoint('http://app'), host: undefined });
    expect(() => redirects.checked(answer, request)).toThrow(Http1Error);
  });

  it('is looked for where an answer leads somewhere', () => {
    expect([200, 201, 204, 301, 304, 307, 308, 404].filter(leads)).toEqual([201, 301, 307, 308]);
  });
});

import { describe, expect, it } from 'vitest';
import { isInternalLocation } from './internal-location.ts';

describe('a redirect to an internal address', () => {
  it.each([
    'http://127.0.0.1:3000/login',
    'https://10.1.2.3/',
    'http://172.31.0.1/',
    'http://192.168.1.1',
    'http://169.254.169.254/latest',
    'http://[::1]:8080/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://backend:3000/x',
    'http://localhost/',
    'http://db.internal/',
    'http://printer.local./',
    '//10.0.0.1/x',
    '\\\\10.0.0.1\\x',
    'http://',
  ])('is %s', (location) => {
    expect(isInternalLocation(location, 'app.test')).toBe(true);
  });

  it.each([
    '/login',
    'login?next=http://10.0.0.1/',
    '?a',
    '',
    'https://www.example.com/',
    '//cdn.example.com/x',
    'https://8.8.8.8/',
    'https://[2001:db8::1]/',
    'https://172.32.0.1/',
    'https://app.test:8443/x',
    'mailto:a@b',
  ])('is not %s', (location) => {
    expect(isInternalLocation(location, 'app.test')).toBe(false);
  });

  it('is not where the client came from', () => {
    expect(isInternalLocation('http://localhost:8080/x', 'localhost')).toBe(false);
    expect(isInternalLocation('http://127.0.0.1/x', '127.0.0.1')).toBe(false);
  });
});

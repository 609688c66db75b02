import { expect, it } from 'vitest';
import { canonicalAddress, remoteAddress, remoteText } from './remote.ts';

it.each([
  [{ remoteAddress: '192.0.2.1', remotePort: 5 }, '192.0.2.1', '192.0.2.1:5'],
  [{ remoteAddress: '::ffff:192.0.2.1', remotePort: 5 }, '192.0.2.1', '192.0.2.1:5'],
  [{ remoteAddress: '2001:db8::1', remotePort: 443 }, '2001:db8::1', '[2001:db8::1]:443'],
  [{}, '0.0.0.0', '0.0.0.0:0'],
])('the other end %j is written as %s and %s', (end, address, text) => {
  expect(remoteAddress(end)).toBe(address);
  expect(remoteText(end)).toBe(text);
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0::1', '2001:db8::1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['192.0.2.01', undefined],
  ['fe80::1%lo', undefined],
  ['localhost', undefined],
])('the address %s is compared as %s', (text, address) => {
  expect(canonicalAddress(text)).toBe(address);
});

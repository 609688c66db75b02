import { expect, it } from 'vitest';
import { remoteAddress, remoteText } from './remote.ts';

it.each([
  [{ remoteAddress: '192.0.2.1', remotePort: 5 }, '192.0.2.1', '192.0.2.1:5'],
  [{ remoteAddress: '::ffff:192.0.2.1', remotePort: 5 }, '192.0.2.1', '192.0.2.1:5'],
  [{ remoteAddress: '2001:db8::1', remotePort: 443 }, '2001:db8::1', '[2001:db8::1]:443'],
  [{}, '0.0.0.0', '0.0.0.0:0'],
])('the other end %j is written as %s and %s', (end, address, text) => {
  expect(remoteAddress(end)).toBe(address);
  expect(remoteText(end)).toBe(text);
});

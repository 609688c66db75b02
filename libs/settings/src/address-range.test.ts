import { expect, it } from 'vitest';
import { parseAddressRange } from './address-range.ts';

it.each([
  ['192.0.2.1', '192.0.2.1', 32],
  ['10.0.0.0/8', '10.0.0.0', 8],
  ['0.0.0.0/0', '0.0.0.0', 0],
  ['::1', '::1', 128],
  ['2001:db8::/32', '2001:db8::', 32],
])('%s is a range of addresses', (text, address, prefix) => {
  expect(parseAddressRange(text)).toEqual({ address, prefix });
});

it.each([
  '',
  '10.0.0/8',
  '10.0.0.0/33',
  '10.0.0.0/',
  '::/129',
  'fe80::1%lo',
  'a.test',
  '1.2.3.4/8/9',
  '1.2.3.4/-1',
])('%j is none', (text) => {
  expect(parseAddressRange(text)).toBeUndefined();
});

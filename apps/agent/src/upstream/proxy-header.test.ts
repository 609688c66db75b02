import { describe, expect, it } from 'vitest';
import { proxyHeader } from './proxy-header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const ZEROS = '00'.repeat(16);

describe('the header of the PROXY protocol', () => {
  it.each([
    ['192.0.2.1:1234', 'PROXY TCP4 192.0.2.1 0.0.0.0 1234 80\r\n'],
    ['[::ffff:192.0.2.1]:1234', 'PROXY TCP4 192.0.2.1 0.0.0.0 1234 80\r\n'],
    ['[2001:db8::1]:65535', 'PROXY TCP6 2001:db8::1 :: 65535 80\r\n'],
    ['', 'PROXY UNKNOWN\r\n'],
  ])('of version 1 for %s', (client, line) => {
    expect(proxyHeader('v1', client, 80).toString('latin1')).toBe(line);
  });

  it.each([
    ['192.0.2.1:1234', `2111000cc00002010000000004d20050`],
    ['[2001:db8::1]:65535', `2121002420010db8000000000000000000000001${ZEROS}ffff0050`],
    ['[1:2:3:4:5:6:7:8]:1', `2121002400010002000300040005000600070008${ZEROS}00010050`],
    ['[64:ff9b::192.0.2.33]:1', `212100240064ff9b0000000000000000c0000221${ZEROS}00010050`],
    ['', '21000000'],
  ])('of version 2 for %s', (client, bytes) => {
    expect(proxyHeader('v2', client, 80).toString('hex')).toBe(SIGNATURE + bytes);
  });
});

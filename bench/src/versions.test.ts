import { describe, expect, it } from 'vitest';
import { isFound, parseVersion } from './versions.ts';

describe('parseVersion', () => {
  it.each([
    ['nginx version: nginx/1.22.1\n', '1.22.1'],
    ['HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/', '2.6.12-1+deb12u4'],
    ['rathole \nBuild Timestamp:     2026-11-21T06:45:14.775454156Z\nBuild Version:       0.5.0\n', '0.5.0'],
    ['0.65.0\n', '0.65.0'],
    ['piko version (devel)\n', 'unknown'],
  ])('finds in %j the version %s', (output, version) => {
    expect(parseVersion(output)).toBe(version);
  });
});

describe('isFound', () => {
  it('looks a name up on the path and takes a path as it is', () => {
    expect(isFound('sh', '/nowhere:/bin')).toBe(true);
    expect(isFound('sh', '/nowhere')).toBe(false);
    expect(isFound('/bin/sh', '/nowhere')).toBe(true);
  });
});

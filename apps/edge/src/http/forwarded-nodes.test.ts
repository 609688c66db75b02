import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { forwardedElements, forwardedForNodes } from './forwarded-nodes.ts';

const address = fc.oneof(fc.ipV4(), fc.ipV6());
const anything = fc.oneof(
  fc.string({ unit: 'binary-ascii' }),
  fc
    .array(fc.constantFrom(...'fFor=";,\\: []._1aé\t'.split(''), 'for=1.2.3.4', '[::1]', 'proto=https'))
    .map((parts) => parts.join('')),
);

describe('X-Forwarded-For', () => {
  it('is read from right to left', () => {
    expect(forwardedForNodes('192.0.2.1, 2001:DB8::1 ,198.51.100.2:80,[::1]:443')).toEqual([
      { address: '::1', port: 443 },
      { address: '198.51.100.2', port: 80 },
      { address: '2001:db8::1', port: 0 },
      { address: '192.0.2.1', port: 0 },
    ]);
  });

  it.each([
    ['a name', 'localhost'],
    ['unknown', 'unknown'],
    ['nothing', ''],
    ['an address with leading zeros', '192.0.02.1'],
    ['a zone', 'fe80::1%eth0'],
    ['a port beyond all', '192.0.2.1:65536'],
    ['IPv4 in brackets', '[192.0.2.1]'],
    ['brackets that do not close', '[::1'],
    ['two ports', '192.0.2.1:80:80'],
    ['a quoted address', '"192.0.2.1"'],
    ['more than an address needs', ' '.repeat(100) + '192.0.2.1'],
  ])('ends at what is no address: %s', (_, garbage) => {
    const nearest = { address: '203.0.113.9', port: 0 };
    expect(forwardedForNodes(`192.0.2.1, ${garbage}, 203.0.113.9`)).toEqual([nearest]);
    expect(forwardedForNodes(garbage)).toEqual([]);
  });

  it('writes IPv4 in IPv6 as IPv4, however it came', () => {
    expect(forwardedForNodes('::ffff:192.0.2.1, ::ffff:c000:201').map((node) => node.address)).toEqual([
      '192.0.2.1',
      '192.0.2.1',
    ]);
  });

  it('is believed for so many hops and no more', () => {
    expect(forwardedForNodes(Array.from({ length: 100 }, () => '192.0.2.1').join(','))).toHaveLength(32);
  });

  it('gives addresses and ports whatever it holds, and never throws', () => {
    fc.assert(
      fc.property(anything, (value) => {
        for (const { address, port } of forwardedForNodes(value)) {
          expect(isIP(address)).not.toBe(0);
          expect(port).toBeLessThan(65_536);
        }
      }),
    );
  });

  it('ends with what the nearest proxy has added, whatever a stranger put before it', () => {
    fc.assert(
      fc.property(anything, fc.ipV4(), (before, added) => {
        expect(forwardedForNodes(`${before}, ${added}`)[0]).toEqual({ address: added, port: 0 });
      }),
    );
  });
});

describe('Forwarded', () => {
  it('is read from right to left, with what its last element says', () => {
    const value =
      'for=192.0.2.1;proto=http, For="[2001:DB8::1]:4711" ; by=_edge,for="198.51.100.2:80";Proto=HTTPS;HOST="a.test:8\\0"';
    expect(forwardedElements(value)).toEqual({
      nodes: [
        { address: '198.51.100.2', port: 80 },
        { address: '2001:db8::1', port: 4711 },
        { address: '192.0.2.1', port: 0 },
      ],
      proto: 'HTTPS',
      host: 'a.test:80',
    });
  });

  it.each(['for=unknown', 'for=_hidden', 'for="2001:db8::1"', 'by=192.0.2.1', 'for="[::1]:_port"'])(
    'ends at an element that names no address: %s',
    (element) => {
      expect(forwardedElements(`for=192.0.2.1, ${element}, for=203.0.113.9`)?.nodes).toEqual([
        { address: '203.0.113.9', port: 0 },
      ]);
    },
  );

  it.each([
    '',
    'for',
    'for=',
    'for=1.2.3.4;',
    'for=1.2.3.4;for=1.2.3.5',
    'for="1.2.3.4',
    'for=2001:db8::1',
    'for="1.2.3.4"x',
    'for = 1.2.3.4',
    ',for=1.2.3.4',
  ])('says nothing where it is malformed: %j', (value) => {
    expect(forwardedElements(value)).toBeUndefined();
  });

  it('is either malformed or ends with what the nearest proxy has added', () => {
    fc.assert(
      fc.property(anything, address, (before, added) => {
        const node = isIP(added) === 4 ? added : `"[${added}]"`;
        const last = forwardedElements(`${before}, for=${node};proto=https;host="a.test"`);
        if (last === undefined) return;
        expect(last.nodes[0]).toEqual(forwardedForNodes(added)[0]);
        expect(last).toMatchObject({ proto: 'https', host: 'a.test' });
      }),
    );
  });
});

import { BlockList, isIP } from 'node:net';

/** Addresses that nobody outside of a network can mean (RFC 1918, 4193, 3927, 6598, 6890). */
const INTERNAL = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  INTERNAL.addSubnet(net, bits, 'ipv4');
INTERNAL.addAddress('::', 'ipv6');
INTERNAL.addAddress('::1', 'ipv6');
INTERNAL.addSubnet('fc00::', 7, 'ipv6');
INTERNAL.addSubnet('fe80::', 10, 'ipv6');

const INTERNAL_NAME = /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa)$/;

/**
 * Whether a Location leads to where the public cannot follow: an internal address, a name without a dot, or one of a
 * domain kept for private use. Where the client came from is never meant, nor are relative references.
 */
export function isInternalLocation(location: string, hostname: string): boolean {
  if (!/^(?:[a-z][a-z\d+.-]*:)?[/\\]{2}/i.test(location)) return false;
  let name: string;
  try {
    name = new URL(location, 'http://base.invalid').hostname.replace(/\.$/, '');
  } catch {
    return true;
  }
  if (name === '' || name === hostname) return false;
  const address = name.startsWith('[') ? name.slice(1, -1) : name;
  switch (isIP(address)) {
    case 4:
      return INTERNAL.check(address, 'ipv4');
    case 6:
      return INTERNAL.check(address, 'ipv6');
    default:
      return !name.includes('.') || INTERNAL_NAME.test(name);
  }
}

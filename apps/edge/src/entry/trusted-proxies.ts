import type { AddressRange } from '@culvert/settings';
import { BlockList, isIPv4 } from 'node:net';

/** Whose word counts about earlier hops: addresses of load balancers and proxies in front of the edge. */
export class TrustedProxies {
  readonly #list: BlockList | undefined;

  constructor(ranges: readonly AddressRange[]) {
    if (ranges.length === 0) return;
    this.#list = new BlockList();
    for (const { address, prefix } of ranges) this.#list.addSubnet(address, prefix, familyOf(address));
  }

  has(address: string): boolean {
    if (this.#list === undefined) return false;
    // An address of one link has its zone, such as `%eth0`, which tells nothing about who it is.
    const zone = address.indexOf('%');
    const plain = zone === -1 ? address : address.slice(0, zone);
    return this.#list.check(plain, familyOf(plain));
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

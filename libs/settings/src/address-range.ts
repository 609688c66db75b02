import { isIPv4, isIPv6 } from 'node:net';

/** The addresses that begin with the same `prefix` bits. */
export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
}

/** `192.0.2.1`, `10.0.0.0/8`, `::1` or `2001:db8::/32`; `undefined` for other texts. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const match = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match?.[1] ?? '';
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
  const prefix = Number(match?.[2] ?? bits);
  return bits === 0 || prefix > bits ? undefined : { address, prefix };
}

/** Where to listen: an empty host stands for all addresses of the machine, port 0 for any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The address as people write it: `:8080`, `127.0.0.1:8080`, `[::1]:8080`. */
export function formatAddress(address: ListenAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

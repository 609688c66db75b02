import type { ListenOptions, Server } from 'node:net';
import { formatAddress, type ListenAddress } from './address.ts';
import { areAddressesShared, noteListening, takeGiven } from './listening-sockets.ts';

/** Another process holds the address. */
export class AddressInUseError extends Error {
  /** What wanted to listen there, such as `entry point`. */
  readonly what: string;
  readonly address: string;

  constructor(what: string, address: string, options?: ErrorOptions) {
    super(`${what}: address ${address} is in use by another process`, options);
    this.name = 'AddressInUseError';
    this.what = what;
    this.address = address;
  }
}

/** The system does not let this process listen on the address. */
export class ListenDeniedError extends Error {
  readonly what: string;
  readonly address: string;

  constructor(what: string, address: string, options?: ErrorOptions) {
    super(`${what}: no permission to listen on ${address} (ports below 1024 need privileges)`, options);
    this.name = 'ListenDeniedError';
    this.what = what;
    this.address = address;
  }
}

/** The address cannot be listened on, most often because it is not one of this machine. */
export class ListenFailedError extends Error {
  readonly what: string;
  readonly address: string;
  /** The system's error code, such as `EADDRNOTAVAIL`. */
  readonly code: string;

  constructor(what: string, address: string, code: string, options?: ErrorOptions) {
    super(`${what}: cannot listen on ${address}: ${REASONS[code] ?? code}`, options);
    this.name = 'ListenFailedError';
    this.what = what;
    this.address = address;
    this.code = code;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'the system does not support this kind of address',
  ENOTFOUND: 'the host name is unknown',
  EMFILE: 'too many open files',
};

/** Pending connections the kernel queues for a listener; the system's own limit still applies. */
const BACKLOG = 4096;

/**
 * Makes a server listen, on the socket that another process has given for it where there is one, and resolves with the address that it got.
 * @param what names the listener in messages, such as `entry point`
 * @throws AddressInUseError, ListenDeniedError or ListenFailedError
 */
export function listen(server: Server, address: ListenAddress, what: string): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, address, what));
    server.once('error', onError);
    const name = `${what} ${formatAddress(address)}`;
    server.listen({ ...whereTo(address, takeGiven(name)), backlog: BACKLOG }, () => {
      server.off('error', onError);
      noteListening(name, server);
      resolve(boundAddress(server, address));
    });
  });
}

function whereTo({ host, port }: ListenAddress, descriptor: number | undefined): ListenOptions {
  if (descriptor !== undefined) return { fd: descriptor } as ListenOptions;
  return { port, reusePort: areAddressesShared(), ...(host === '' ? {} : { host }) };
}

/** The given host with the port that was assigned, so that `:0` stays readable as "all addresses". */
function boundAddress(server: Server, asked: ListenAddress): ListenAddress {
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : asked.port;
  return { host: asked.host, port };
}

function listenError(error: NodeJS.ErrnoException, address: ListenAddress, what: string): Error {
  const text = formatAddress(address);
  if (error.code === 'EADDRINUSE') return new AddressInUseError(what, text, { cause: error });
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new ListenDeniedError(what, text, { cause: error });
  }
  return new ListenFailedError(what, text, error.code ?? error.message, { cause: error });
}

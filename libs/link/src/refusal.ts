import { goAwayName } from '@culvert/wire';
import type { GoAway } from '@culvert/wire';

/** The other side answered the hello with a go-away. */
export class LinkRefusedError extends Error {
  readonly goAway: GoAway;

  constructor(goAway: GoAway, options?: ErrorOptions) {
    super(`refused (${goAwayName(goAway.code)}): ${goAway.text}`, options);
    this.name = 'LinkRefusedError';
    this.goAway = goAway;
  }
}

/** The connection was lost or nothing came before the handshake was done. */
export class HandshakeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HandshakeError';
  }
}

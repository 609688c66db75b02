/** Why a stream was reset; docs/protocol.md, section 7. */
export const ResetCode = {
  /** The opener no longer wants the stream: its client is gone. */
  Cancelled: 1,
  /** The agent could not deliver anything to the service; safe to try elsewhere. */
  NotDelivered: 2,
  /** The edge that was asked holds no pool of the tunnel (any more); safe to try elsewhere. */
  NotHere: 3,
  /** Refused before anything was done, as by who drains; safe to try elsewhere. */
  Refused: 4,
  /** No ingress rule leads anywhere. */
  NoRoute: 5,
  /** The service broke the connection or its protocol after the request had been delivered. */
  UpstreamLost: 6,
  UpstreamProtocol: 7,
  UpstreamTimeout: 8,
  /** The peer broke this protocol on the stream. */
  Protocol: 9,
  FlowControl: 10,
  /** What the stream needed was lost inside the sender. */
  Internal: 11,
  /** The edge that a stream was relayed to has lost the link to its agent. */
  AgentLost: 12,
  /** Refused before anything was done, for there is as much to do as is taken; safe to try elsewhere. */
  Busy: 13,
  /** Never on the wire: the link under the stream is gone. */
  LinkLost: 255,
} as const;
export type ResetCode = (typeof ResetCode)[keyof typeof ResetCode];

/** Codes after which nothing of the stream has reached a service. */
export function isUndelivered(code: number): boolean {
  return (
    code === ResetCode.NotDelivered ||
    code === ResetCode.NotHere ||
    code === ResetCode.Refused ||
    code === ResetCode.Busy
  );
}

/** Why a link was refused or is going away; docs/protocol.md, section 8. */
export const GoAwayCode = {
  /** Drain: take new streams elsewhere, the running ones finish here. */
  Draining: 1,
  /** The peer broke the protocol. */
  Protocol: 2,
  /** No version in common; the text names the ones spoken here. */
  Version: 3,
  /** Unknown tunnel. */
  UnknownTunnel: 4,
  /** The token does not open this tunnel. */
  Unauthorized: 5,
  /** A hostname or port that the agent claims is not its to take. */
  ClaimRefused: 6,
  /** Too many sessions or handshakes now; try again later, perhaps elsewhere. */
  Busy: 7,
  /** The control plane cannot be asked, and this token has not been seen before. */
  Unavailable: 8,
  /** A newer session of the same agent has taken over. */
  Replaced: 9,
  /** The tunnel or the token was revoked. */
  Revoked: 10,
  /** Nothing heard for too long. */
  Timeout: 11,
  /** The cluster's secret is not the same. */
  NotAPeer: 12,
  /** The sender leaves; nothing is wrong. */
  Leaving: 13,
  /** Another process takes links at the same address: dial it now, the running streams finish here. */
  Succeeded: 14,
} as const;
export type GoAwayCode = (typeof GoAwayCode)[keyof typeof GoAwayCode];

const names = new Map<number, string>(
  Object.entries(GoAwayCode).map(([name, code]) => [code, name.replace(/(?<=.)[A-Z]/g, '_$&').toLowerCase()]),
);

/** A code as it is written in logs: `unknown_tunnel`. */
export function goAwayName(code: number): string {
  return names.get(code) ?? `code_${code}`;
}

/** Refusals that stay the same however often they are asked: retried slowly and loudly. */
export function isFinalRefusal(code: number): boolean {
  return (
    code === GoAwayCode.Version ||
    code === GoAwayCode.UnknownTunnel ||
    code === GoAwayCode.Unauthorized ||
    code === GoAwayCode.ClaimRefused ||
    code === GoAwayCode.Revoked ||
    code === GoAwayCode.NotAPeer
  );
}

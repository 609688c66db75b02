import { claimIds } from '@culvert/registry';
import type { SessionInfo } from '@culvert/signals';
import { packHex, packUuid, unpackHex, unpackUuid } from './packed-hex.ts';
import { memberOf } from './redis-claims.ts';

type Payload = readonly [
  agent: string,
  generation: number,
  links: number,
  address: string,
  version: string,
  since: number,
  draining: 0 | 1,
  digest: string,
  hostnames?: readonly string[],
  ports?: readonly number[],
];

/** What the sessions script takes for one session: id, tunnel, payload, and its claims as members of their set. */
export function encodeSession(session: SessionInfo): [string, string, string, string] {
  const { agent, generation, links, address, version, since, draining, digest, claims } = session;
  const members = claimIds(claims).map((id) => memberOf(id, session.tunnel));
  const payload: Payload = [
    agent,
    generation,
    links,
    address,
    version,
    since,
    draining ? 1 : 0,
    packHex(digest),
  ];
  const claimed = members.length === 0 ? [] : [claims.hostnames, claims.ports];
  const text = JSON.stringify([...payload, ...claimed]);
  return [session.id, packUuid(session.tunnel), text, members.length === 0 ? '' : JSON.stringify(members)];
}

/** Reads `seq|tunnel|payload`, as the script stores it. */
export function decodeSession(edge: string, id: string, stored: string): SessionInfo {
  const [, packed = ''] = stored.split('|', 2);
  const payload = JSON.parse(stored.slice(stored.indexOf('|', stored.indexOf('|') + 1) + 1)) as Payload;
  const [agent, generation, links, address, version, since, draining, digest, hostnames = [], ports = []] =
    payload;
  return {
    id,
    tunnel: unpackUuid(packed),
    agent,
    generation,
    edge,
    links,
    address,
    version,
    since,
    draining: draining === 1,
    digest: unpackHex(digest),
    claims: { hostnames, ports },
  };
}

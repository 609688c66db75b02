import { INITIAL_WINDOW_BYTES } from '@culvert/link';
import type { Admission, Link, LinkEnd, LinkOwner } from '@culvert/link';
import { AUTHENTICATE } from '@culvert/signals';
import type {
  AuthenticateReply,
  AuthenticateRequest,
  Claims,
  Signals,
  UnavailableReply,
} from '@culvert/signals';
import type { Logger } from '@culvert/telemetry';
import { GoAwayCode, ResetCode } from '@culvert/wire';
import type { AgentHello, EdgeAddress, GoAway } from '@culvert/wire';
import { createHash, randomUUID } from 'node:crypto';
import type { EdgeCounters } from '../counters.ts';
import { Health } from './ejection.ts';
import type { Session } from './pool.ts';
import type { Pools } from './pools.ts';
import { askRouters } from '../delivery/router-question.ts';
import type { SessionRate } from './session-rate.ts';

const AUTHENTICATE_TIMEOUT_MS = 3_000;
const REPLACED: GoAway = {
  code: GoAwayCode.Replaced,
  text: 'a newer session of this agent has taken over',
  retryAfterMs: 0,
};
const NO_CLAIMS: Claims = { hostnames: [], ports: [] };
/** Tokens remembered as good, so that agents come back while no router can be asked. */
const MAX_REMEMBERED = 100_000;

export interface SessionGateOptions {
  readonly edge: { readonly id: string; readonly region: string; readonly software: string };
  readonly signals: Signals;
  readonly pools: Pools;
  readonly counters: EdgeCounters;
  readonly logger: Logger;
  readonly maxSessions: number;
  readonly maxLinksPerSession: number;
  readonly rate: SessionRate;
  /** The edges that an agent may dial besides this one. */
  readonly edges: () => readonly EdgeAddress[];
  readonly draining: () => boolean;
}

/** Decides which agents attach, and keeps their sessions while they have links. */
export class SessionGate {
  readonly #options: SessionGateOptions;
  /** Keys of admissions that a router has granted before. */
  readonly #granted = new Set<string>();

  constructor(options: SessionGateOptions) {
    this.#options = options;
  }

  async admit(hello: AgentHello, address: string): Promise<Admission> {
    const digest = createHash('sha256').update(hello.token).digest('hex');
    const refusal =
      this.#refusalByState(hello) ??
      this.#refusalByRate(hello) ??
      (await this.#refusalByRouter(hello, digest)) ??
      // Others may have been admitted meanwhile.
      this.#refusalByState(hello);
    if (refusal !== undefined) {
      this.#options.counters.sessionsRefused++;
      const { code, text } = refusal;
      // Of a storm the metric tells, not a line for each.
      const level = code === GoAwayCode.Busy ? 'debug' : 'warn';
      this.#options.logger[level]('session refused', { tunnel: hello.tunnel, address, reason: text });
      return { admit: false, goAway: { code, text, retryAfterMs: refusal.retryAfterMs ?? 0 } };
    }
    const { edge, edges, pools } = this.#options;
    const session = this.#sessionFor(hello, digest, address);
    const welcome = {
      edge: edge.id,
      region: edge.region,
      // Read when it is sent: another link of the same attachment may have been admitted in the meantime.
      get session() {
        return (pools.find(session.tunnel, session.agent, session.generation) ?? session).id;
      },
      software: edge.software,
      window: INITIAL_WINDOW_BYTES,
      edges: edges(),
    };
    return { admit: true, welcome, attach: (link) => this.#attach(session, link) };
  }

  /** Ends the sessions of a tunnel whose token, or which itself, was revoked. */
  revoke(tunnel: string, digest: string | undefined): void {
    for (const key of this.#granted) {
      if (key.startsWith(`${tunnel} ${digest ?? ''}`)) this.#granted.delete(key);
    }
    for (const session of [...(this.#options.pools.get(tunnel)?.sessions ?? [])]) {
      if (digest !== undefined && session.digest !== digest) continue;
      for (const link of [...session.links])
        link.close(GoAwayCode.Revoked, 'the tunnel or its token was revoked');
    }
  }

  #refusalByState(hello: AgentHello): Refused | undefined {
    const { pools, maxSessions, maxLinksPerSession, draining } = this.#options;
    if (!UUID.test(hello.tunnel))
      return { code: GoAwayCode.UnknownTunnel, text: 'the tunnel id is not a UUID' };
    if (draining()) return { code: GoAwayCode.Draining, text: 'this edge is draining' };
    if (pools.isPast(hello.tunnel, hello.agent, hello.generation)) {
      return REPLACED;
    }
    const session = pools.find(hello.tunnel, hello.agent, hello.generation);
    if (session === undefined && pools.sessionCount >= maxSessions) {
      return {
        code: GoAwayCode.Busy,
        text: `this edge holds its most of ${maxSessions} sessions`,
        retryAfterMs: spread(5_000),
      };
    }
    if (session !== undefined && session.links.length >= maxLinksPerSession) {
      return {
        code: GoAwayCode.Busy,
        text: `${maxLinksPerSession} links are the most a session may have`,
        retryAfterMs: 60_000,
      };
    }
    return undefined;
  }

  /** A session that is there already may have more links. */
  #refusalByRate(hello: AgentHello): Refused | undefined {
    const { pools, rate, counters } = this.#options;
    if (pools.find(hello.tunnel, hello.agent, hello.generation) !== undefined) return undefined;
    const retryAfterMs = rate.take();
    if (retryAfterMs === 0) return undefined;
    counters.sessionsPutOff++;
    return { code: GoAwayCode.Busy, text: 'too many agents attach at the same time', retryAfterMs };
  }

  async #refusalByRouter(hello: AgentHello, digest: string): Promise<Refused | undefined> {
    const claims = hello.claims ?? NO_CLAIMS;
    const key = `${hello.tunnel} ${digest} ${JSON.stringify(claims)}`;
    const request: AuthenticateRequest = {
      edge: this.#options.edge.id,
      tunnel: hello.tunnel,
      digest,
      claims,
    };
    const { signals } = this.#options;
    let reply: AuthenticateReply | UnavailableReply;
    try {
      reply = await askRouters(signals, AUTHENTICATE, request, AUTHENTICATE_TIMEOUT_MS);
    } catch (error) {
      return this.#unlessGranted(key, error instanceof Error ? error.message : String(error));
    }
    if ('error' in reply) return this.#unlessGranted(key, 'the registry is unavailable');
    if (!reply.allow) return { code: REASON_CODES[reply.reason], text: reply.message };
    this.#granted.add(key);
    if (this.#granted.size > MAX_REMEMBERED) this.#granted.delete(this.#granted.keys().next().value!);
    return undefined;
  }

  #unlessGranted(key: string, why: string): Refused | undefined {
    if (this.#granted.has(key)) return undefined;
    return {
      code: GoAwayCode.Unavailable,
      text: `the token cannot be checked now: ${why}`,
      retryAfterMs: spread(2_000),
    };
  }

  /** Links of one attachment share their session. */
  #sessionFor(hello: AgentHello, digest: string, address: string): Session {
    const known = this.#options.pools.find(hello.tunnel, hello.agent, hello.generation);
    return (
      known ?? {
        id: randomUUID(),
        tunnel: hello.tunnel,
        agent: hello.agent,
        generation: hello.generation,
        address,
        software: hello.software.slice(0, 64),
        since: Date.now(),
        digest,
        claims: hello.claims ?? NO_CLAIMS,
        links: [],
        health: new Health(),
        draining: false,
        turn: 0,
        turnedAt: 0,
      }
    );
  }

  #attach(admitted: Session, link: Link): LinkOwner {
    const { pools, counters, logger } = this.#options;
    // Another link of the same attachment may have been admitted in the meantime.
    const session = pools.find(admitted.tunnel, admitted.agent, admitted.generation) ?? admitted;
    session.links.push(link);
    counters.sessionsAdmitted += session.links.length === 1 ? 1 : 0;
    if (session.links.length === 1) {
      pools.add(session);
      this.#replaceOlder(session);
      logger.info('session up', sessionFields(session));
    } else {
      pools.changed(session);
    }
    // A newer session of the agent may have come while this link was being admitted.
    if (pools.isPast(session.tunnel, session.agent, session.generation)) {
      pools.drain(session);
      link.goAway(REPLACED);
    }
    return {
      onOpen: () => ResetCode.Refused,
      onGoAway: () => this.#leave(session, link),
      onControl: () => undefined,
      onClosed: (end) => this.#lost(session, link, end),
    };
  }

  /** Older links of the same agent get no streams any more: it must hear so, or it would count on them. */
  #replaceOlder({ tunnel, agent, generation }: Session): void {
    for (const { links, ...older } of this.#options.pools.get(tunnel)?.sessions ?? []) {
      if (older.agent !== agent || older.generation >= generation) continue;
      for (const link of links) link.goAway(REPLACED);
    }
  }

  /** The agent takes no new streams on this link. */
  #leave(session: Session, link: Link): void {
    if (session.links.every((other) => other === link || !other.available))
      this.#options.pools.drain(session);
  }

  #lost(session: Session, link: Link, end: LinkEnd): void {
    const index = session.links.indexOf(link);
    if (index === -1) return;
    session.links.splice(index, 1);
    if (session.links.length > 0) return this.#options.pools.changed(session);
    this.#options.pools.remove(session);
    this.#options.logger.info('session down', { ...sessionFields(session), reason: end.text, by: end.by });
  }
}

interface Refused {
  readonly code: number;
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** Half as much again at most, so that those who are refused together do not come back together. */
function spread(ms: number): number {
  return Math.round(ms * (1 + Math.random() / 2));
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const REASON_CODES = {
  unknown_tunnel: GoAwayCode.UnknownTunnel,
  wrong_token: GoAwayCode.Unauthorized,
  claim_refused: GoAwayCode.ClaimRefused,
  claim_taken: GoAwayCode.ClaimRefused,
} as const;

function sessionFields(session: Session): Readonly<Record<string, unknown>> {
  return { session: session.id, tunnel: session.tunnel, agent: session.agent, address: session.address };
}

import { RegistryDownError, routeId, tokenId } from '@culvert/registry';
import type { Claim, Registry, RouteRecord, TokenRecord, TunnelRecord } from '@culvert/registry';
import type { AuthenticateReply, AuthenticateRequest, Claims, SessionInfo } from '@culvert/signals';
import type { Announcements } from './announcements.ts';
import { sameDigest } from './digest.ts';
import { isUuid } from './incoming.ts';
import type { Snapshot } from './snapshot.ts';
import { mayClaimAll, mayServe } from './token-scope.ts';

type Refusal = Extract<AuthenticateReply, { readonly allow: false }>;

/** Decides which agents may attach, and makes routes of what they claim. */
export class Admission {
  readonly #registry: Registry;
  readonly #snapshot: Snapshot;
  readonly #announcements: Announcements;
  readonly #isWhole: () => Promise<boolean>;

  /** @param isWhole whether what the registry lacks does not exist */
  constructor(
    registry: Registry,
    snapshot: Snapshot,
    announcements: Announcements,
    isWhole: () => Promise<boolean>,
  ) {
    this.#registry = registry;
    this.#snapshot = snapshot;
    this.#announcements = announcements;
    this.#isWhole = isWhole;
  }

  /** @throws RegistryDownError when the registry is away and the token has not been seen before */
  async authenticate(request: AuthenticateRequest): Promise<AuthenticateReply> {
    try {
      return await this.#authenticate(request);
    } catch (error) {
      if (error instanceof RegistryDownError) return this.#fromSnapshot(request, error);
      throw error;
    }
  }

  /** Claims what a living session states, in case the registry has lost it. */
  async reclaim({ claims, digest, tunnel }: SessionInfo): Promise<void> {
    if (claims.hostnames.length + claims.ports.length === 0) return;
    const token = await this.#registry.token(tokenId(digest));
    if (token === undefined || !mayServe(token, tunnel)) return;
    const granted: RouteRecord[] = [];
    for (const claim of claimsOf(claims, tunnel, digest)) {
      if (mayClaimAll(token, toClaims(claim)) && (await this.#registry.claim(claim)) === 'granted') {
        granted.push(toRoute(claim));
      }
    }
    this.#announcements.routesChanged(granted);
  }

  async #authenticate(request: AuthenticateRequest): Promise<AuthenticateReply> {
    const { tunnel: id, digest, claims } = request;
    const [token, tunnel] = await Promise.all([
      this.#registry.token(tokenId(digest)),
      isUuid(id) ? this.#registry.tunnel(id) : undefined,
    ]);
    const refusal = judge(request, token, tunnel);
    if (refusal !== undefined) {
      if (!(await this.#isWhole())) throw new RegistryDownError();
      return refusal;
    }
    if (token !== undefined) this.#snapshot.noteToken(token);
    if (tunnel !== undefined) this.#snapshot.noteTunnel(tunnel);
    return (await this.#claimAll(claimsOf(claims, id, digest), token)) ?? admitted(request, tunnel);
  }

  /** Claims cannot be made now; those of the session are made up for when it is told again. */
  async #fromSnapshot(request: AuthenticateRequest, cause: RegistryDownError): Promise<AuthenticateReply> {
    const token = await this.#snapshot.token(tokenId(request.digest));
    const tunnel = await this.#snapshot.tunnel(request.tunnel);
    if (token === undefined || judge(request, token, tunnel) !== undefined) throw cause;
    if (!mayClaimAll(token, request.claims)) throw cause;
    return admitted(request, tunnel);
  }

  async #claimAll(claims: readonly Claim[], token: TokenRecord | undefined): Promise<Refusal | undefined> {
    const granted: RouteRecord[] = [];
    let refusal: Refusal | undefined;
    for (const claim of claims) {
      refusal = await this.#claim(claim, token, granted);
      if (refusal !== undefined) break;
    }
    this.#announcements.routesChanged(granted);
    return refusal;
  }

  async #claim(
    claim: Claim,
    token: TokenRecord | undefined,
    granted: RouteRecord[],
  ): Promise<Refusal | undefined> {
    const inScope = token !== undefined && mayClaimAll(token, toClaims(claim));
    if (!inScope) return (await this.#isConfigured(claim)) ? undefined : refuseClaim(claim, token);
    const outcome = await this.#registry.claim(claim);
    if (outcome === 'taken') {
      return { allow: false, reason: 'claim_taken', message: `${nameOf(claim)} belongs to another tunnel` };
    }
    if (outcome === 'granted') granted.push(toRoute(claim));
    return undefined;
  }

  /** Stating what a file or the API leads to this tunnel anyway needs no permission. */
  async #isConfigured(claim: Claim): Promise<boolean> {
    const present = await this.#registry.route(routeId(claim));
    return present !== undefined && present.source !== 'claim' && present.route.tunnel === claim.tunnel;
  }
}

function judge(
  { tunnel: id, digest }: AuthenticateRequest,
  token: TokenRecord | undefined,
  tunnel: TunnelRecord | undefined,
): Refusal | undefined {
  const known = token !== undefined && sameDigest(token.digest, digest);
  const anyTunnel = known && token.tunnels === '*' && isUuid(id);
  if (tunnel === undefined && !anyTunnel) {
    return { allow: false, reason: 'unknown_tunnel', message: `there is no tunnel ${id}` };
  }
  if (known && mayServe(token, id)) return undefined;
  return { allow: false, reason: 'wrong_token', message: `the token is not valid for tunnel ${id}` };
}

function refuseClaim(claim: Claim, token: TokenRecord | undefined): Refusal {
  const allowed =
    token === undefined || (claim.port === undefined ? token.hostnames : token.ports).length === 0
      ? 'nothing of this kind'
      : claim.port === undefined
        ? token.hostnames.join(', ')
        : token.ports.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
  const message = `the token may not claim ${nameOf(claim)}; it may claim ${allowed}`;
  return { allow: false, reason: 'claim_refused', message };
}

/** A tunnel that nobody has created is called by its id. */
function admitted(request: AuthenticateRequest, tunnel: TunnelRecord | undefined): AuthenticateReply {
  return { allow: true, tunnelName: tunnel?.name ?? request.tunnel };
}

function claimsOf({ hostnames, ports }: Claims, tunnel: string, digest: string): Claim[] {
  return [
    ...hostnames.map((hostname) => ({ hostname, tunnel, digest })),
    ...ports.map((port) => ({ port, tunnel, digest })),
  ];
}

function toClaims({ hostname, port }: Claim): Claims {
  return { hostnames: hostname === undefined ? [] : [hostname], ports: port === undefined ? [] : [port] };
}

function toRoute({ digest: _, ...target }: Claim): RouteRecord {
  return { route: { id: routeId(target), ...target }, source: 'claim' };
}

const nameOf = ({ hostname, port }: Claim): string => hostname ?? `port ${port}`;

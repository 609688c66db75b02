import { compileRewrite, compileStripPrefix, parseRedirect } from '@culvert/routing';
import type { Rewrite, Segment } from '@culvert/routing';
import { parseDuration, parseSize } from '@culvert/settings';
import type { RoutePolicy, Size } from '@culvert/signals';
import type { HttpTimeouts } from '../http/http-context.ts';
import { FieldRules } from './field-rules.ts';

/** What a route does with its traffic, ready for use. */
export interface Policy {
  readonly rewrite: Rewrite | undefined;
  readonly requestFields: FieldRules | undefined;
  readonly responseFields: FieldRules | undefined;
  readonly redirect: Redirect | undefined;
  readonly cleansQuery: boolean;
  readonly refusesInternalLocations: boolean;
  /** Bytes; undefined where the edge's own limit counts. */
  readonly maxBody: number | undefined;
  /** Bytes a second from and to the client; Infinity where there is no limit. */
  readonly bandwidth: Bandwidth | undefined;
  readonly timeouts: HttpTimeouts;
}

export interface Redirect {
  readonly to: readonly Segment[];
  readonly status: number;
}

export interface Bandwidth {
  readonly up: number;
  readonly down: number;
}

/** A policy that this edge cannot follow: its route is not used. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

const KEYS = [
  'rewrite',
  'stripPrefix',
  'requestHeaders',
  'responseHeaders',
  'redirect',
  'query',
  'locations',
  'maxBody',
  'bandwidth',
  'timeouts',
] as const satisfies readonly (keyof RoutePolicy)[];

/**
 * Reads what the router has checked; undefined for a route that does nothing but lead somewhere. Throws PolicyError.
 * @param timeouts the edge's own
 */
export function compilePolicy(route: RoutePolicy, timeouts: HttpTimeouts): Policy | undefined {
  if (KEYS.every((key) => route[key] === undefined)) return undefined;
  try {
    const { redirect, requestHeaders, responseHeaders } = route;
    return {
      rewrite: rewriteOf(route),
      requestFields: requestHeaders && new FieldRules('request', requestHeaders),
      responseFields: responseHeaders && new FieldRules('response', responseHeaders),
      redirect: redirect && { to: parseRedirect(redirect.to), status: redirect.status },
      cleansQuery: route.query === 'clean',
      refusesInternalLocations: route.locations === 'refuse',
      maxBody: route.maxBody === undefined ? undefined : bytes(route.maxBody),
      bandwidth: bandwidthOf(route.bandwidth),
      timeouts: timeoutsOf(route.timeouts, timeouts),
    };
  } catch (cause) {
    // Whatever is wrong with what came over the wire: the other routes must go on.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PolicyError(reason, { cause });
  }
}

function rewriteOf({ rewrite, stripPrefix }: RoutePolicy): Rewrite | undefined {
  if (rewrite !== undefined) return compileRewrite(rewrite.from, rewrite.to);
  return stripPrefix === undefined ? undefined : compileStripPrefix(stripPrefix);
}

function bandwidthOf(bandwidth: RoutePolicy['bandwidth']): Bandwidth | undefined {
  if (bandwidth === undefined) return undefined;
  const { up, down } = typeof bandwidth === 'object' ? bandwidth : { up: bandwidth, down: bandwidth };
  if (up === undefined && down === undefined) return undefined;
  return { up: up === undefined ? Infinity : rate(up), down: down === undefined ? Infinity : rate(down) };
}

function timeoutsOf(given: RoutePolicy['timeouts'] = {}, own: HttpTimeouts): HttpTimeouts {
  const ms = (text: string | undefined, fallback: number): number =>
    text === undefined ? fallback : known(parseDuration(text), text);
  return {
    ...own,
    firstByte: ms(given.firstByte, own.firstByte),
    bodyIdle: ms(given.bodyIdle, own.bodyIdle),
    total: ms(given.total, own.total),
    tunnelIdle: ms(given.tunnelIdle, own.tunnelIdle),
  };
}

const bytes = (size: Size): number => known(typeof size === 'number' ? size : parseSize(size), size);

function rate(size: Size): number {
  const bytesPerSecond = bytes(size);
  if (bytesPerSecond >= 1) return bytesPerSecond;
  throw new PolicyError(`${size} bytes a second is no bandwidth`);
}

function known(value: number | undefined, given: Size): number {
  if (value !== undefined && value >= 0) return value;
  throw new PolicyError(`${JSON.stringify(given)} cannot be read`);
}

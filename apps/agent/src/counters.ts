import type { ResetCode } from '@culvert/wire';

/** What the agent counts: plain fields, read by the metrics when somebody asks. */
export class AgentCounters {
  requests = 0;
  requestsOpen = 0;
  rawStreams = 0;
  rawStreamsOpen = 0;
  upgrades = 0;
  /** Requests sent again because a kept-alive connection turned out to be closed. */
  repeats = 0;
  upstreamConnects = 0;
  upstreamConnectFailures = 0;
  upstreamOpen = 0;
  upstreamIdle = 0;
  /** Bytes of links that have ended; those of live links are added when read. */
  linkBytesIn = 0;
  linkBytesOut = 0;
  linksAttached = 0;
  linkFailures = 0;
  linkRefusals = 0;
  /** Streams reset here, by code. */
  readonly resets = new Map<ResetCode, number>();

  countReset(code: ResetCode): void {
    this.resets.set(code, (this.resets.get(code) ?? 0) + 1);
  }
}

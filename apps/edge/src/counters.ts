/** What the edge counts: plain fields, read by the metrics when somebody asks. */
export class EdgeCounters {
  connections = 0;
  connectionsRefused = 0;
  garbage = 0;
  http2Connections = 0;
  http2Open = 0;
  /** HTTP/2 connections closed because they gave up most of what they asked for. */
  http2Calmed = 0;
  requests = 0;
  requestsOpen = 0;
  responses2xx = 0;
  responses3xx = 0;
  responses4xx = 0;
  responses5xx = 0;
  retries = 0;
  retriesDenied = 0;
  clientAborts = 0;
  rawStreams = 0;
  redirectsToHttps = 0;
  tlsHandshakes = 0;
  tlsResumptions = 0;
  tlsFailures = 0;
  relayedOut = 0;
  relayedIn = 0;
  sessionsAdmitted = 0;
  sessionsRefused = 0;
  sessionsPutOff = 0;
  ejections = 0;
  readonly refusals = new Map<string, number>();

  countStatus(status: number): void {
    if (status < 300) this.responses2xx++;
    else if (status < 400) this.responses3xx++;
    else if (status < 500) this.responses4xx++;
    else this.responses5xx++;
  }

  countRefusal(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }
}

import { describe, expect, it } from 'vitest';
import { BenchFault } from './fault.ts';
import { parseWrk } from './wrk.ts';

const QUIET = `Running 6s test @ http://127.0.0.1:9103/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.62ms    1.03ms  21.10ms   80.98%
    Req/Sec    39.25k     3.11k   45.11k    70.00%
  Latency Distribution
     50%    1.42ms
     75%    1.99ms
     90%    2.60ms
     99%    5.50ms
  234301 requests in 6.00s, 33.97MB read
Requests/sec:  39049.87
Transfer/sec:      5.66MB
`;

describe('parseWrk', () => {
  it('reads counts, rate and percentiles', () => {
    expect(parseWrk(QUIET)).toEqual({
      requests: 234_301,
      perSecond: 39_049.87,
      goodPerSecond: 39_049.87,
      p50: 1.42,
      p99: 5.5,
      errors: 0,
    });
  });

  it.each([
    ['368.00us', 0.368],
    ['1.02s', 1_020],
    ['0.50m', 30_000],
  ])('takes a percentile of %s as %d ms', (text, milliseconds) => {
    expect(parseWrk(QUIET.replace('1.42ms', text)).p50).toBeCloseTo(milliseconds);
  });

  it('adds up failed sockets and unwanted answers', () => {
    const trouble =
      '  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 50000\n';
    const { errors, perSecond, goodPerSecond } = parseWrk(QUIET + trouble);
    expect(errors).toBe(54_321);
    expect(goodPerSecond / perSecond).toBeCloseTo(1 - 50_000 / 234_301);
  });

  it('refuses what is not the output of a finished run', () => {
    expect(() => parseWrk('unable to connect to 127.0.0.1:1 Connection refused\n')).toThrow(BenchFault);
  });
});

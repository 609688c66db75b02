import { describe, expect, it } from 'vitest';
import { BenchFault } from './fault.ts';
import { parseH2load } from './h2load.ts';

const DONE = `starting benchmark...
finished in 4.00s, 30231.25 req/s, 1.12MB/s
requests: 120925 total, 121053 started, 120925 done, 120925 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 120925 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 4.50MB (4715075) total, 354.27KB (362775) headers (space savings 95.00%), 590.45KB (604625) data
                     min         max         mean         sd        +/- sd
time for request:      310us     15.26ms      4.21ms       970us    79.53%
time for connect:     1.20ms      8.01ms      5.55ms      2.11ms    62.50%
`;

describe('parseH2load', () => {
  it('reads counts, rate and mean', () => {
    expect(parseH2load(DONE)).toEqual({ requests: 120_925, perSecond: 30_231.25, mean: 4.21, errors: 0 });
  });

  it('counts what failed and what was answered otherwise than with 2xx', () => {
    const failed = DONE.replace('120925 succeeded', '120900 succeeded');
    expect(parseH2load(failed).errors).toBe(25);
    expect(parseH2load(DONE.replace('120925 2xx', '120000 2xx'))).toMatchObject({
      requests: 120_000,
      errors: 925,
    });
  });

  it('refuses what is not the output of a finished run', () => {
    expect(() => parseH2load('Could not connect to host\n')).toThrow(BenchFault);
  });
});

import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';
import { DuplicateMetricError, Metrics } from './metrics.ts';
import { declareLogMetrics, declareProcessMetrics } from './process-metrics.ts';

describe('Metrics', () => {
  it('writes name, help and kind of each metric', async () => {
    const metrics = new Metrics();
    metrics.gauge('links', 'links that are open', () => 3);
    expect((await metrics.expose()).text).toBe(
      '# HELP links links that are open\n# TYPE links gauge\nlinks 3\n',
    );
  });

  it('writes one line for each sample, with its labels escaped', async () => {
    const metrics = new Metrics();
    metrics.counter('streams_total', 'streams', () => [
      { labels: { tunnel: 'a"b\n' }, value: 1 },
      { labels: { tunnel: 'c' }, value: 2 },
    ]);
    const { text } = await metrics.expose();
    expect(text).toContain('streams_total{tunnel="a\\"b\\n"} 1\nstreams_total{tunnel="c"} 2\n');
  });

  it('exposes what is declared after the first scrape too', async () => {
    const metrics = new Metrics();
    await metrics.expose();
    metrics.gauge('late', 'came late', () => 1);
    expect((await metrics.expose()).text).toContain('late 1');
  });

  it('refuses a name that is already taken', () => {
    const metrics = new Metrics();
    metrics.gauge('links', 'links', () => 1);
    expect(() => metrics.counter('links', 'links', () => 1)).toThrow(DuplicateMetricError);
  });

  it('writes a histogram with cumulative buckets', async () => {
    const metrics = new Metrics();
    const durations = new Histogram([0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 3]) durations.observe(value);
    metrics.histogram('wait_seconds', 'time waited', () => durations);
    const { text } = await metrics.expose();
    expect(text.split('\n').slice(2, -1)).toEqual([
      'wait_seconds_bucket{le="0.1"} 2',
      'wait_seconds_bucket{le="1"} 3',
      'wait_seconds_bucket{le="+Inf"} 4',
      'wait_seconds_sum 3.65',
      'wait_seconds_count 4',
    ]);
  });

  it('tells how the process does', async () => {
    const metrics = new Metrics();
    declareProcessMetrics(metrics, { version: '1.2.3' });
    declareLogMetrics(metrics, { failed: 2, dropped: 0 });
    const { text } = await metrics.expose();
    const value = (name: string): number =>
      Number(new RegExp(`^${name}(?:{.*})? (.*)$`, 'm').exec(text)?.[1]);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(value('nodejs_eventloop_busy_seconds_total')).toBeGreaterThan(0);
    expect(value('process_open_fds')).toBeGreaterThan(2);
    expect(value('process_start_time_seconds')).toBeLessThanOrEqual(Date.now() / 1000);
    expect(text).toContain('culvert_build_info{version="1.2.3"');
    expect(text).toContain('culvert_log_lines_lost_total{reason="write_failed"} 2');
  });
});

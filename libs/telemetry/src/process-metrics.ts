import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';
import type { LogLosses } from './log-sink.ts';

const MICROSECONDS = 1e6;
const MILLISECONDS = 1e3;

/** Declares what tells how the process itself does. Nothing is measured between two scrapes. */
export function declareProcessMetrics(metrics: Metrics, options: { readonly version: string }): void {
  const { version } = options;
  metrics.gauge('culvert_build_info', 'version of culvert and of Node', () => [
    { labels: { version, node: process.version }, value: 1 },
  ]);
  metrics.counter('process_cpu_seconds_total', 'processor time spent, user and system', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / MICROSECONDS;
  });
  metrics.gauge('process_start_time_seconds', 'start of the process, since the epoch', () => {
    return Math.round(performance.timeOrigin) / MILLISECONDS;
  });
  metrics.gauge('process_resident_memory_bytes', 'resident memory', () => process.memoryUsage.rss());
  metrics.gauge('process_open_fds', 'open file descriptors', countOpenFiles);
  metrics.gauge('nodejs_heap_used_bytes', 'JavaScript objects', () => process.memoryUsage().heapUsed);
  metrics.gauge(
    'nodejs_external_memory_bytes',
    'buffers outside the heap',
    () => process.memoryUsage().external,
  );
  metrics.counter('nodejs_eventloop_busy_seconds_total', 'time the event loop was not idle', () => {
    return performance.eventLoopUtilization().active / MILLISECONDS;
  });
}

/** Declares the log lines that never reached a reader. */
export function declareLogMetrics(metrics: Metrics, losses: Readonly<LogLosses>): void {
  metrics.counter('culvert_log_lines_lost_total', 'log lines that could not be written', () => [
    { labels: { reason: 'write_failed' }, value: losses.failed },
    { labels: { reason: 'reader_stuck' }, value: losses.dropped },
  ]);
}

function countOpenFiles(): number {
  try {
    // One of the entries is the descriptor that reads the folder.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    // Not Linux: the number is not known, and the metric says so.
    return NaN;
  }
}

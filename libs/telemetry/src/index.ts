export { startAdminServer, type AdminServer, type AdminServerOptions } from './admin-server.ts';
export { createLogger, type LoggerOptions, type RootLogger } from './create-logger.ts';
export { DURATION_BOUNDS, Histogram } from './histogram.ts';
export type { LogLosses } from './log-sink.ts';
export { silentLogger, type LogFields, type Logger, type LogLevel } from './logger.ts';
export { DuplicateMetricError, Metrics, type Exposition, type Read, type Sample } from './metrics.ts';
export { OutageLog, visibleAddress } from './outage-log.ts';
export { declareLogMetrics, declareProcessMetrics } from './process-metrics.ts';

/**
 * Loads what the services run, so that the compile cache holds it before the first of them starts. Stripping types
 * needs a compiler that stays in memory (about 25 MiB) once it was loaded: a service started from a warm cache never
 * loads it.
 */
import { flushCompileCache } from 'node:module';

await Promise.all([
  import('./program.ts'),
  import('./up-command.ts'),
  import('./edge-command.ts'),
  import('./router-command.ts'),
  import('./agent-command.ts'),
  import('./quick-tunnel.ts'),
  import('./check-command.ts'),
  import('@culvert/edge'),
  import('@culvert/router'),
  import('@culvert/agent'),
  import('@culvert/signals-nats'),
]);
flushCompileCache();

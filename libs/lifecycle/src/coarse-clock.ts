/** How far the coarse clock may lag behind the real one, in ms, while the event loop runs freely. */
export const COARSE_CLOCK_STEP = 100;

let now = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Milliseconds on a clock that never goes back, exact to about 100 ms. For timeouts on the hot path, where asking
 * the system for each read would cost more than the work that is timed. Has no relation to the time of day.
 */
export function coarseNow(): number {
  if (timer === undefined) start();
  return now;
}

/** One timer for the whole process, started by the first reader; it does not keep the process alive. */
function start(): void {
  now = performance.now();
  timer = setInterval(() => {
    now = performance.now();
  }, COARSE_CLOCK_STEP);
  timer.unref();
}

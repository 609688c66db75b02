/** Whether the work ended by itself or was given up. */
export type Outcome = 'done' | 'timeout';

/**
 * Waits for work, but no longer than `ms`. The work is not cancelled; its later failure is ignored, because whoever
 * gave up waiting is about to stop what it depends on.
 */
export async function within(work: Promise<unknown>, ms: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Outcome>((resolve) => {
    timer = setTimeout(resolve, ms, 'timeout');
  });
  try {
    return await Promise.race([work.then((): Outcome => 'done'), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

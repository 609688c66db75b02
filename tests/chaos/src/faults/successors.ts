import { eventually } from '@culvert/testkit';
import type { ConfiguredService } from '@culvert/testkit';

/** To start, to be attached to, and for the former process to finish what it has, ms. */
const HAND_OVER_MS = 60_000;

/** Each of the services, one after the other, is told to hand over to a new process, which then is stopped itself. */
export async function replaceEach(services: readonly ConfiguredService[]): Promise<void> {
  for (const service of services) {
    const former = service.process;
    former.signal('SIGUSR2');
    const { pid } = await former.line('handed over', undefined, HAND_OVER_MS);
    const successor = Number(pid);
    try {
      await eventually(() => !former.alive, { timeoutMs: HAND_OVER_MS });
      process.kill(successor, 'SIGTERM');
      await eventually(() => !isThere(successor), { timeoutMs: HAND_OVER_MS });
    } finally {
      // Its port is needed again, whatever happened.
      if (isThere(successor)) process.kill(successor, 'SIGKILL');
    }
    await service.start();
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

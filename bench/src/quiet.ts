import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineSeconds } from './procfs.ts';
import { NOISE_LIMIT } from './statistics.ts';

/** Waits until an idle machine is quiet, at most `seconds`; returns the share (0 to 1) last seen busy. */
export async function quiet(seconds: number): Promise<number> {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const share = await busyShare(400);
    if (share <= NOISE_LIMIT || performance.now() > deadline) return share;
    await sleep(600);
  }
}

async function busyShare(milliseconds: number): Promise<number> {
  const [busy, at] = [machineSeconds(), performance.now()];
  await sleep(milliseconds);
  return (machineSeconds() - busy) / ((performance.now() - at) / 1_000) / availableParallelism();
}

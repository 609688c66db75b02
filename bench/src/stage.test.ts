import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { until } from './deadline.ts';
import { BenchFault } from './fault.ts';
import { Stage } from './stage.ts';

const forever = ['node', '-e', 'console.log("up"); setInterval(() => {}, 1000)'] as const;

describe('Stage', () => {
  it('ends its processes and removes its folder when disposed of', async () => {
    const stage = new Stage();
    const actor = stage.start({ label: 'forever', command: forever });
    await until(() => actor.output().includes('up') || undefined, {
      what: 'output',
      every: 5,
      within: 10_000,
    });
    const [pid] = actor.pids();
    await stage[Symbol.asyncDispose]();
    expect(pid).toBeGreaterThan(0);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(stage.folder)).toBe(false);
    expect(actor.end).toBe('signal SIGTERM');
  });

  it('returns what a program wrote', async () => {
    await using stage = new Stage();
    expect(await stage.run(['sh', '-c', 'echo out; echo err >&2'], 10)).toBe('out\nerr\n');
  });

  it('ends a program that runs for longer than it may', async () => {
    await using stage = new Stage();
    await expect(stage.run(forever, 0.2)).rejects.toThrow(BenchFault);
  });

  it('reports a program that does not exist', async () => {
    await using stage = new Stage();
    await expect(stage.run(['/no/such/program'], 10)).rejects.toThrow(/ENOENT/);
  });

  it('hands out no port twice', async () => {
    await using stage = new Stage();
    const ports = await Promise.all(Array.from({ length: 50 }, () => stage.port()));
    expect(new Set(ports).size).toBe(50);
  });
});

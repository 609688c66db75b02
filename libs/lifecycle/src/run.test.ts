import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { run, type Service } from './run.ts';
import { MAX_UNCAUGHT } from './uncaught-errors.ts';

/** A service whose drain the test ends, and the signals and log around it. */
function stage(service: Partial<Service> = {}) {
  const source = new EventEmitter();
  const lines: string[] = [];
  const log = (event: string): void => void lines.push(event);
  const drain = Promise.withResolvers<void>();
  const draining = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const options = { drainTimeout: 60_000, logger: { info: log, warn: log, error: log }, source };
  const start = async (): Promise<Service> => {
    // After the caller's own continuation, so that a signal from here on meets a running service.
    setImmediate(running.resolve);
    return {
      drain: () => {
        draining.resolve();
        return drain.promise;
      },
      ...service,
    };
  };
  return { source, lines, drain, draining: draining.promise, running: running.promise, options, start };
}

describe('run', () => {
  it.each(['SIGTERM', 'SIGINT'])('drains on %s and ends with 0', async (signal) => {
    const { source, drain, draining, running, options, start, lines } = stage();
    const status = run(start, options);
    await running;
    source.emit(signal);
    await draining;
    drain.resolve();
    expect(await status).toBe(0);
    expect(lines).toEqual(['draining', 'stopped']);
  });

  it('stops at once on a second signal, with 1', async () => {
    const { source, draining, running, options, start } = stage();
    const status = run(start, options);
    await running;
    source.emit('SIGTERM');
    await draining;
    source.emit('SIGINT');
    expect(await status).toBe(1);
  });

  it('gives up a drain that takes longer than it may', async () => {
    const { source, running, options, start, lines } = stage();
    const status = run(start, { ...options, drainTimeout: 1 });
    await running;
    source.emit('SIGTERM');
    expect(await status).toBe(0);
    expect(lines).toContain('drain timed out');
  });

  it('ends with 0 when a signal comes while the service still starts', async () => {
    const { source, options } = stage();
    const status = run(() => new Promise(() => undefined), options);
    source.emit('SIGTERM');
    expect(await status).toBe(0);
  });

  it('passes on why a service did not start, and leaves no listeners behind', async () => {
    const { source, options } = stage();
    await expect(run(() => Promise.reject(new RangeError('no')), options)).rejects.toBeInstanceOf(RangeError);
    expect(source.eventNames()).toEqual([]);
  });

  it('ends with the service that ends by itself', async () => {
    const { options, start } = stage({ closed: Promise.resolve() });
    expect(await run(start, options)).toBe(0);
  });

  it('passes on why a service ended by itself', async () => {
    const { options, start } = stage({ closed: Promise.reject(new RangeError('refused')) });
    await expect(run(start, options)).rejects.toBeInstanceOf(RangeError);
  });

  it('works on after an error that nothing caught', async () => {
    const { source, drain, running, options, start, lines } = stage();
    const status = run(start, options);
    await running;
    source.emit('uncaughtException', new Error('one connection'));
    source.emit('unhandledRejection', 'another');
    source.emit('SIGTERM');
    drain.resolve();
    expect(await status).toBe(0);
    expect(lines).toEqual(['uncaught error', 'uncaught error', 'draining', 'stopped']);
  });

  it('drains and ends with 1 after too many errors that nothing caught', async () => {
    const { source, drain, draining, running, options, start } = stage();
    const status = run(start, options);
    await running;
    for (let i = 0; i <= MAX_UNCAUGHT; i += 1) source.emit('uncaughtException', new Error('again'));
    await draining;
    drain.resolve();
    expect(await status).toBe(1);
  });

  it('hands over on SIGUSR2, drains and ends with 0, also when it is told to stop meanwhile', async () => {
    const { source, drain, draining, running, options, start, lines } = stage();
    const status = run(start, { ...options, handOver: () => Promise.resolve() });
    await running;
    source.emit('SIGUSR2');
    await draining;
    source.emit('SIGTERM');
    drain.resolve();
    expect(await status).toBe(0);
    expect(lines).toEqual(['draining', 'stopped']);
  });

  it('goes on when nobody takes over, as often as it is asked to hand over', async () => {
    const { source, drain, running, options, start, lines } = stage();
    let asked = 0;
    const again = Promise.withResolvers<void>();
    const handOver = (): Promise<void> => {
      asked++;
      if (asked === 2) again.resolve();
      return Promise.reject(new Error('no'));
    };
    const status = run(start, { ...options, handOver });
    await running;
    source.emit('SIGUSR2');
    setImmediate(() => source.emit('SIGUSR2'));
    await again.promise;
    source.emit('SIGTERM');
    drain.resolve();
    expect(await status).toBe(0);
    expect(lines.filter((line) => line.startsWith('no other process'))).toHaveLength(2);
  });

  it('gives up handing over when it is told to stop', async () => {
    const { source, drain, running, options, start } = stage();
    const begun = Promise.withResolvers<void>();
    const handOver = ({ up }: { readonly up: AbortSignal }): Promise<void> =>
      new Promise((_, reject) => {
        up.addEventListener('abort', () => reject(new Error('given up')));
        begun.resolve();
      });
    const status = run(start, { ...options, handOver });
    await running;
    source.emit('SIGUSR2');
    await begun.promise;
    source.emit('SIGTERM');
    drain.resolve();
    expect(await status).toBe(0);
  });

  it('does not take a wish to hand over for one to stop while the service still starts', async () => {
    const { source, drain, running, options, start } = stage();
    const gate = Promise.withResolvers<void>();
    const status = run(() => gate.promise.then(start), { ...options, handOver: () => Promise.resolve() });
    source.emit('SIGUSR2');
    gate.resolve();
    await running;
    source.emit('SIGTERM');
    drain.resolve();
    expect(await status).toBe(0);
  });
});

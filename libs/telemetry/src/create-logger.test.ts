import { describe, expect, it } from 'vitest';
import { createLogger } from './create-logger.ts';
import type { LogLevel } from './logger.ts';

async function recorded(level: LogLevel = 'info') {
  const lines: string[] = [];
  const logger = await createLogger({ service: 'edge', level, write: (line) => void lines.push(line) });
  return { logger, lines: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('createLogger', () => {
  it('writes an event as one JSON line with level, time, service and fields', async () => {
    const { logger, lines } = await recorded();
    logger.info('session accepted', { tunnel: 't-1', links: 4 });
    const [line] = lines();
    expect(line).toMatchObject({
      level: 'info',
      service: 'edge',
      msg: 'session accepted',
      tunnel: 't-1',
      links: 4,
    });
    expect(line?.['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('never writes secrets, at the top or one level down', async () => {
    const { logger, lines } = await recorded();
    logger.info('x', {
      token: 'hunter2',
      headers: { authorization: 'hunter2', cookie: 'hunter2' },
      secret: 'hunter2',
    });
    logger.with({ password: 'hunter2' }).info('y');
    expect(JSON.stringify(lines())).not.toContain('hunter2');
  });

  it('writes an error with its name, message and stack', async () => {
    const { logger, lines } = await recorded();
    logger.error('failed', { error: new RangeError('too far') });
    expect(lines()[0]?.['error']).toMatchObject({ name: 'RangeError', message: 'too far' });
  });

  it('leaves out what is below its level', async () => {
    const { logger, lines } = await recorded('warn');
    logger.info('no');
    logger.warn('yes');
    expect(lines().map(({ msg }) => msg)).toEqual(['yes']);
    expect([logger.enabled('info'), logger.enabled('error')]).toEqual([false, true]);
  });

  it('adds the fields of a derived logger to its lines only', async () => {
    const { logger, lines } = await recorded();
    logger.with({ part: 'router' }).info('one');
    logger.info('two');
    expect(lines().map(({ part }) => part)).toEqual(['router', undefined]);
  });

  it('writes by the level that was set last, also through loggers made of it before', async () => {
    const { logger, lines } = await recorded('warn');
    const part = logger.with({ part: 'edge' });
    part.info('too early');
    logger.setLevel('debug');
    part.debug('now');
    expect(part.enabled('debug')).toBe(true);
    logger.setLevel('error');
    part.warn('too late');
    expect(lines().map(({ msg }) => msg)).toEqual(['now']);
  });
});

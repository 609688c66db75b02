import { expect, it } from 'vitest';
import { silentLogger } from './logger.ts';
import type { Logger } from './logger.ts';
import { OutageLog, visibleAddress } from './outage-log.ts';

it('an outage is reported once, and so is the next one', () => {
  const warned: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (event, fields) => warned.push([event, fields]) };
  const log = new OutageLog(logger, 'gone', 'a:1');
  log.failed(new RangeError('refused'));
  log.failed(new RangeError('refused'));
  log.recovered();
  log.failed('reset');
  expect(warned).toEqual([
    ['gone', { address: 'a:1', reason: 'refused' }],
    ['gone', { address: 'a:1', reason: 'reset' }],
  ]);
});

it('an address is shown without its password', () => {
  expect(visibleAddress('redis://me:s3cret@a:1')).toBe('redis://a:1');
  expect(visibleAddress(['nats://a:1', 'tls://t0ken@b:2'])).toBe('nats://a:1, tls://b:2');
});

import { expect, it } from 'vitest';
import { advertised } from './advertised.ts';

it.each([
  [
    'what is configured',
    { listen: { host: '', port: 7_000 }, advertise: 'edge.test:7000' },
    'edge.test:7000',
  ],
  ['where it listens, with the port assigned', { listen: { host: '127.0.0.1', port: 0 } }, '127.0.0.1:4711'],
  ['nothing where it listens on all addresses', { listen: { host: '', port: 0 } }, undefined],
  ['nothing where it listens on all of IPv6', { listen: { host: '::', port: 0 } }, undefined],
  ['nothing where there is no listener', undefined, undefined],
])('others are told %s', (_, listener, told) => {
  const bound = listener === undefined ? undefined : { ...listener.listen, port: 4_711 };
  expect(advertised(listener, bound)).toBe(told);
});

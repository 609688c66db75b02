import { checkValue, parseSettings } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { routerSchema, routeSchema } from './settings.ts';

const ID = '4d21094e-b74c-4916-86c1-d9fa36ea677b';
const ofHost = (policy: object) =>
  checkValue({ hostname: 'a.test', tunnel: ID, ...policy }, routeSchema(), 'body');
const ofPort = (policy: object) => checkValue({ port: 22, tunnel: ID, ...policy }, routeSchema(), 'body');

describe('the policy of a route', () => {
  it('stays as it was written', () => {
    const policy = {
      rewrite: { from: '^/v1/(.*)$', to: '/$1' },
      requestHeaders: { set: { 'X-Env': 'prod', Host: 'shop.internal' }, add: {}, remove: ['X-Debug'] },
      responseHeaders: {
        set: {},
        add: { 'Set-Cookie': ['a=1', 'b={client_ip}'] },
        remove: ['Server', 'X-Int-*'],
      },
      redirect: { to: 'https://www.example.com{uri}', status: 301 },
      query: 'clean',
      locations: 'refuse',
      maxBody: '10MiB',
      bandwidth: { up: '64KiB', down: 1_048_576 },
      timeouts: { firstByte: '5s', bodyIdle: '30s', total: '10m', tunnelIdle: '1h' },
    };
    expect(ofHost(policy)).toEqual({ hostname: 'a.test', tunnel: ID, ...policy });
    expect(ofHost({ stripPrefix: '/v1', maxBody: 0, bandwidth: '1M' })).toMatchObject({
      stripPrefix: '/v1',
      maxBody: 0,
      bandwidth: '1M',
    });
  });

  it('redirects for good where no status is told', () => {
    expect(ofHost({ redirect: { to: '/new' } })).toMatchObject({ redirect: { to: '/new', status: 308 } });
  });

  it.each([
    [{ rewrite: { from: '(', to: '/' } }, 'rewrite.from: not a regular expression'],
    [{ rewrite: { from: '(a+)+', to: '/' } }, 'rewrite.from: a repeated group repeats something itself'],
    [{ rewrite: { from: '^/(.*)$', to: '/$2' } }, 'rewrite.to: $2 stands for nothing: "from" has one group'],
    [{ rewrite: { from: '^/' } }, 'rewrite.to: is required'],
    [{ stripPrefix: 'v1' }, 'stripPrefix: expected a path such as "/v1"'],
    [{ stripPrefix: '/' }, 'stripPrefix: expected a path such as "/v1"'],
    [
      { stripPrefix: '/a', rewrite: { from: 'a', to: '/b' } },
      'stripPrefix: cannot be told besides "rewrite"',
    ],
    [
      { requestHeaders: { set: { 'X-A': '{nobody}' } } },
      'requestHeaders.set.X-A: unknown placeholder {nobody}',
    ],
    [
      { requestHeaders: { add: { 'X-A': ['a', '{'] } } },
      'requestHeaders.add.X-A: a "{" that begins no placeholder',
    ],
    [
      { requestHeaders: { set: { 'X-A': 'a\r\nB: c' } } },
      'requestHeaders.set.X-A: expected a text without control',
    ],
    [{ requestHeaders: { set: { 'X-A': 1 } } }, 'requestHeaders.set.X-A: expected a text'],
    [
      { requestHeaders: { set: { 'Transfer-Encoding': 'x' } } },
      'requestHeaders.set.Transfer-Encoding: belongs to',
    ],
    [{ requestHeaders: { remove: ['Host'] } }, 'requestHeaders.remove.0: "Host" can be set'],
    [{ responseHeaders: { set: { 'a b': 'x' } } }, 'responseHeaders.set.a b: is no name of a header field'],
    [
      { responseHeaders: { remove: ['Content-Length'] } },
      'responseHeaders.remove.0: "Content-Length" belongs',
    ],
    [
      { responseHeaders: { replace: {} } },
      'responseHeaders.replace: unknown key; known here: set, add, remove',
    ],
    [{ redirect: { to: 'www.example.com' } }, 'redirect.to: must begin with "https://"'],
    [{ redirect: { to: '/', status: 304 } }, 'redirect.status: must be one of 301, 302, 303, 307, 308'],
    [{ query: 'drop' }, 'query: expected one of "pass", "clean"'],
    [{ locations: 'map' }, 'locations: expected one of "pass", "refuse"'],
    [{ maxBody: '10' }, 'maxBody: expected a size with its unit'],
    [{ maxBody: -1 }, 'maxBody: expected a whole number from 0'],
    [
      { bandwidth: '1B' },
      'bandwidth: expected a size with its unit such as "16k" or "1MiB", at least 1024 bytes',
    ],
    [{ bandwidth: { up: 10 } }, 'bandwidth.up: expected a whole number from 1024'],
    [{ timeouts: { total: '0s' } }, 'timeouts.total: expected a duration'],
    [{ timeouts: { connect: '1s' } }, 'timeouts.connect: unknown key'],
  ])('is refused by its key: %j', (policy, message) => {
    expect(() => ofHost(policy)).toThrow(`body:1: ${message}`);
  });

  it('of a port is what raw TCP can have', () => {
    expect(ofPort({ bandwidth: '1MiB', timeouts: { tunnelIdle: '1h' } })).toMatchObject({
      bandwidth: '1MiB',
    });
    expect(() => ofPort({ rewrite: { from: 'a', to: '/b' }, maxBody: '1k' })).toThrow(
      'rewrite: needs "hostname": the edge does not look into raw TCP\nbody:1: maxBody: needs "hostname"',
    );
  });

  it('in a file is refused by file, line and key', () => {
    const file = `
routes:
  - hostname: a.test
    tunnel: ${ID}
    requestHeaders:
      set:
        X-Client: "{client_ip}"
        X-Other: "{cleint_ip}"
`;
    expect(() => parseSettings(file, routerSchema, { file: '/srv/router.yml', env: {} })).toThrow(
      '/srv/router.yml:8: routes.0.requestHeaders.set.X-Other: unknown placeholder {cleint_ip}',
    );
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CulvertProcess } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const TUNNEL = '4d21094e-b74c-4916-86c1-d9fa36ea677b';

const EDGE = `id: eu-1
entryPoints:
  - { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
`;
const ROUTER = `admin: { listen: "127.0.0.1:0", token: "any" }
tunnels:
  - { id: ${TUNNEL}, name: shop, token: "any" }
routes:
  - { hostname: shop.test, tunnel: ${TUNNEL} }
`;
const AGENT = `tunnel: ${TUNNEL}
token: any
edges: ["127.0.0.1:7000"]
ingress:
  - { service: "http://127.0.0.1:3000" }
`;

describe('a broken configuration', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-settings-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = async (command: string, text: string) => {
    const file = join(folder, `${command}.yml`);
    writeFileSync(file, text);
    const process = new CulvertProcess([command, '--config', file]);
    const { status } = await process.ended;
    return { status, file, stdout: process.stdout, stderr: process.stderr };
  };

  it.each([
    ['an unknown key', 'edge', `${EDGE}regoin: eu\n`, '5: regoin: unknown key; did you mean "region"?'],
    [
      'an unknown key within',
      'router',
      ROUTER.replace('hostname:', 'hostnme:'),
      '5: routes.0.hostnme: unknown key',
    ],
    [
      'a wrong value',
      'edge',
      EDGE.replace('"127.0.0.1:0" }\nadmin', '8080x }\nadmin'),
      '3: entryPoints.0.listen: ',
    ],
    ['a wrong kind of value', 'edge', `${EDGE}drainTimeout: [1]\n`, '5: drainTimeout: '],
    ['a wrong duration', 'edge', `${EDGE}drainTimeout: 5 minutes\n`, '5: drainTimeout: '],
    ['a tunnel that is no UUID', 'agent', AGENT.replace(TUNNEL, 'shop'), '1: tunnel: '],
    ['a service of no known kind', 'agent', AGENT.replace('http:', 'ftp:'), '5: ingress.0.service: '],
    ['a missing key', 'agent', AGENT.replace('token: any\n', ''), 'token: is required'],
    ['a missing environment variable', 'agent', AGENT.replace('any', '"${CULVERT_MISSING}"'), '2: token: '],
    ['a duplicate key', 'edge', `${EDGE}id: eu-2\n`, '5: id: is given twice'],
  ])('%s ends with status 2 and names file, line and key', async (_, command, text, problem) => {
    const { status, file, stdout, stderr } = await run(command, text);
    expect(stderr).toContain(`${file}:${problem.startsWith('token') ? '' : problem}`);
    expect(stderr).toContain(problem);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('what is no YAML ends with status 2 and names file and line', async () => {
    const { status, file, stderr } = await run('edge', `${EDGE}region: eu\n  zone: a\n`);
    expect(stderr).toContain(`${file}:5: `);
    expect(status).toBe(2);
  });

  it('a missing environment variable is named', async () => {
    const { stderr } = await run('agent', AGENT.replace('any', '"${CULVERT_MISSING}"'));
    expect(stderr).toContain('CULVERT_MISSING');
  });

  it('everything that is wrong is told at once', async () => {
    const { stderr } = await run('edge', `${EDGE}regoin: eu\ndrainDelay: soon\n`);
    expect(stderr.trim().split('\n')).toHaveLength(2);
  });

  it('a file that is not there is named', async () => {
    const process = new CulvertProcess(['edge', '--config', join(folder, 'absent.yml')]);
    expect((await process.ended).status).toBe(2);
    expect(process.stderr).toContain('absent.yml');
    expect(process.stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    ['edge', EDGE],
    ['router', ROUTER],
    ['agent', AGENT],
  ])(
    '"culvert check" finds nothing wrong with a good file for %s, and the same as the service with a bad one',
    async (kind, text) => {
      const file = join(folder, `check-${kind}.yml`);
      writeFileSync(file, text);
      const good = new CulvertProcess(['check', file]);
      expect((await good.ended).status).toBe(0);
      writeFileSync(file, `${text}bogus: 1\n`);
      const [checked, served] = [
        new CulvertProcess(['check', file, '--as', kind]),
        new CulvertProcess([kind, '--config', file]),
      ];
      expect([(await checked.ended).status, (await served.ended).status]).toEqual([2, 2]);
      expect(checked.stderr).toBe(served.stderr);
    },
  );
});

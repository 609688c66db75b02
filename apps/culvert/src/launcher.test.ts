import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const LAUNCHER = join(import.meta.dirname, '..', 'bin', 'culvert');
const PINNED = join(import.meta.dirname, '../../../node_modules/node/bin/node');

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function start(file: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, [...args], { env, cwd }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

describe('bin/culvert', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-bin-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    PATH: '/usr/bin:/bin',
    HOME: folder,
    ...more,
  });

  it('runs through a link from any folder, whatever Node is on PATH', async () => {
    symlinkSync(LAUNCHER, join(folder, 'linked'));
    const { status, stdout } = await start(join(folder, 'linked'), ['--version'], env(), folder);
    expect([status, stdout]).toEqual([0, '0.1.0\n']);
  });

  it('becomes Node itself, so that signals reach it', async () => {
    // A pipe that nobody writes to: reading it as the configuration keeps the process where it is.
    const pipe = join(folder, 'pipe');
    await start('mkfifo', [pipe], env(), folder);
    const child = spawn(LAUNCHER, ['check', pipe], { env: env(), stdio: 'ignore' });
    const program = (): string => readlinkSync(`/proc/${child.pid ?? 0}/exe`);
    await eventually(() => program().endsWith('/node'), { timeoutMs: 10_000 });
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await gone).toEqual([null, 'SIGTERM']);
  });

  it('keeps compiled code in the cache folder of the user', async () => {
    await start(LAUNCHER, ['--version'], env(), folder);
    expect(existsSync(join(folder, '.cache', 'culvert'))).toBe(true);
  });

  it('works without a place for a cache', async () => {
    const { status } = await start(LAUNCHER, ['--version'], { PATH: '/usr/bin:/bin' }, folder);
    expect(status).toBe(0);
    writeFileSync(join(folder, 'file'), '');
    const blocked = await start(
      LAUNCHER,
      ['--version'],
      env({ XDG_CACHE_HOME: join(folder, 'file') }),
      folder,
    );
    expect([blocked.status, blocked.stderr]).toEqual([0, '']);
  });

  it('passes on the exit status, with the problems of a file on the standard error', async () => {
    const file = join(folder, 'edge.yml');
    writeFileSync(file, 'id: a\nentryPoint: []\n');
    const { status, stderr } = await start(LAUNCHER, ['edge', '--config', 'edge.yml'], env(), folder);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'edge.yml:1: entryPoints: is required: a list\n' +
        'edge.yml:2: entryPoint: unknown key; did you mean "entryPoints"?\n',
    );
  });

  it('tells which kind of file it found valid', async () => {
    writeFileSync(join(folder, 'ok.yml'), 'id: a\nentryPoints: [{ listen: ":80" }]\n');
    const { status, stdout } = await start(LAUNCHER, ['check', 'ok.yml'], env(), folder);
    expect([status, stdout]).toEqual([0, 'ok.yml: valid, as a configuration of "culvert edge"\n']);
  });

  it('says what it needs when there is no Node that is new enough', async () => {
    const copy = join(folder, 'elsewhere/apps/culvert/bin');
    mkdirSync(copy, { recursive: true });
    copyFileSync(LAUNCHER, join(copy, 'culvert'));
    const tools = join(folder, 'tools');
    mkdirSync(tools);
    writeFileSync(join(tools, 'node'), '#!/bin/sh\necho 20\n', { mode: 0o755 });
    const old = await start(
      join(copy, 'culvert'),
      ['--version'],
      env({ PATH: `${tools}:/usr/bin:/bin` }),
      folder,
    );
    expect([old.status, old.stderr]).toEqual([1, expect.stringContaining('is version 20; run "npm ci"')]);
    expect(existsSync(PINNED)).toBe(true);
  });
});

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** Logs until something is lost, tells what, logs a little more and exits with 7. */
const PROGRAM = `
  import { createLogger } from './create-logger.ts';
  const logger = await createLogger({ service: 'test' });
  setInterval(() => {
    logger.info('x'.repeat(50_000));
    if (logger.losses.failed + logger.losses.dropped < 3) return;
    process.stderr.write(JSON.stringify(logger.losses));
    process.exit(7);
  }, 1);
`;
const ARGUMENTS = ['--input-type=module-typescript', '-e', PROGRAM];

async function losses(stdout: 'pipe' | number, onStart: (child: ChildProcess) => void = () => undefined) {
  const child = spawn(process.execPath, ARGUMENTS, {
    cwd: import.meta.dirname,
    stdio: ['ignore', stdout, 'pipe'],
  });
  onStart(child);
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, told: JSON.parse(told) as { failed: number; dropped: number } };
}

describe('the log on the standard output', () => {
  it('survives a full disk', async () => {
    const { status, told } = await losses(openSync('/dev/full', 'w'));
    expect(status).toBe(7);
    expect(told.failed).toBeGreaterThan(0);
  });

  it('survives a reader that goes away', async () => {
    const { status, told } = await losses('pipe', (child) => child.stdout?.destroy());
    expect(status).toBe(7);
    expect(told.failed).toBeGreaterThan(0);
  });

  it('drops lines rather than wait for a reader that is stuck', async () => {
    // Nobody reads the pipe until the process has ended.
    const { status, told } = await losses('pipe', (child) =>
      child.once('exit', () => child.stdout?.resume()),
    );
    expect(status).toBe(7);
    expect(told.dropped).toBeGreaterThan(0);
  });

  it('writes the last lines before the process exits', async () => {
    const program = `
      import { createLogger } from './create-logger.ts';
      const logger = await createLogger({ service: 'test' });
      for (let i = 0; i < 100; i += 1) logger.info('line');
      process.exit(0);
    `;
    const run = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], {
      cwd: import.meta.dirname,
    });
    expect((await run).stdout.trim().split('\n')).toHaveLength(100);
  });
});

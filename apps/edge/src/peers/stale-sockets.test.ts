import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { removeStaleSockets } from './stale-sockets.ts';

it('sockets of processes that were killed are removed, all else in the folder stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-sockets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const live = createServer().listen(at('live.sock'));
  onTestFinished(() => void live.close());
  await once(live, 'listening');
  for (const name of ['killed.sock', 'young.sock'])
    spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(at(name))}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
  writeFileSync(at('notes.txt'), '');
  const anHourAgo = Date.now() / 1_000 - 3_600;
  for (const name of ['live.sock', 'killed.sock', 'notes.txt']) utimesSync(at(name), anHourAgo, anHourAgo);
  expect(readdirSync(folder)).toHaveLength(4);
  await removeStaleSockets(folder);
  expect(readdirSync(folder).sort()).toEqual(['live.sock', 'notes.txt', 'young.sock']);
  await removeStaleSockets(join(folder, 'nowhere'));
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Sends one command to a server of this machine; returns what redis-cli prints. @throws where it says ERR, or is not reached */
export async function redisCli(port: number, ...command: readonly string[]): Promise<string> {
  const { stdout } = await run('redis-cli', ['-e', '-p', String(port), ...command]);
  return stdout.trim();
}

/** `redis-cli --cluster …`. */
export async function redisClusterCli(...command: readonly string[]): Promise<void> {
  await run('redis-cli', ['--cluster', ...command, '--cluster-yes']);
}

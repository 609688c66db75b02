import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountFile, openAccount, readAccount, writeAccount } from './local-account.ts';

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('the account of "culvert up"', () => {
  let home = '';
  let file = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'culvert-account-'));
    file = accountFile({ XDG_CONFIG_HOME: home });
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('is kept in the configuration folder of the user', () => {
    expect(file).toBe(join(home, 'culvert', 'up.json'));
    expect(accountFile({})).toBe(join(homedir(), '.config', 'culvert', 'up.json'));
  });

  it('is the same at the next start', () => {
    const account = openAccount(file);
    writeAccount(file, { ...account, agents: '127.0.0.1:7000' });
    expect(openAccount(file)).toEqual({ ...account, agents: '127.0.0.1:7000' });
  });

  it('is for its user alone, also where the file was open to others before', () => {
    writeAccount(file, openAccount(file));
    expect([mode(file), mode(dirname(file))]).toEqual([0o600, 0o700]);
    chmodSync(file, 0o644);
    chmodSync(dirname(file), 0o755);
    writeAccount(file, openAccount(file));
    expect([mode(file), mode(dirname(file))]).toEqual([0o600, 0o700]);
    expect(readdirSync(dirname(file))).toEqual(['up.json']);
  });

  it('has tokens that nobody guesses', () => {
    const [a, b] = [openAccount(file), openAccount(file)];
    expect(a.agentToken).toMatch(/^[\w-]{32}$/);
    expect(new Set([a.agentToken, a.adminToken, b.agentToken, b.adminToken]).size).toBe(4);
  });

  it('is replaced when it is damaged', () => {
    writeAccount(file, openAccount(file));
    for (const text of ['{', '[]', '{"agentToken":""}', 'null']) {
      writeFileSync(file, text);
      expect(readAccount(file)).toBeUndefined();
    }
  });
});

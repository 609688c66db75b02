import { Authority } from '@culvert/testkit';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export interface TestAuthority {
  readonly authority: Authority;
  readonly folder: string;
}

/** An authority of the test file's own; its folder goes with the test file. */
export function makeAuthority(name?: string): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-authority-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { authority: new Authority(folder, name), folder };
}

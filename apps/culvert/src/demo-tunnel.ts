import { randomUUID } from 'node:crypto';
import { newToken } from './local-account.ts';

/** The demo's tunnel and what its agent attaches with. */
export interface DemoTunnel {
  readonly id: string;
  readonly token: string;
}

/** A tunnel for one run of the demo: nobody else can know its token. */
export function newDemoTunnel(): DemoTunnel {
  return { id: randomUUID(), token: newToken() };
}

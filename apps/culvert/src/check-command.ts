import { agentSchema } from '@culvert/agent/settings';
import { edgeSchema } from '@culvert/edge/settings';
import { routerSchema } from '@culvert/router/settings';
import { keysOf, readSettings, readValue, type SettingsSchema } from '@culvert/settings';
import { UsageError } from './failure.ts';
import { newToken } from './local-account.ts';
import type { ConfigKind } from './program.ts';
import { newDemoTunnel } from './demo-tunnel.ts';
import { upSchema, upSettings } from './up-settings.ts';

const SCHEMAS: Readonly<Record<ConfigKind, SettingsSchema>> = {
  edge: edgeSchema,
  router: routerSchema,
  agent: agentSchema,
  up: upSchema,
};

/** Validates a file; the failure of a wrong one lists its problems. */
export function runCheck(file: string, as?: ConfigKind): void {
  const kind = as ?? kindOf(readValue(file), file);
  if (kind === 'up')
    upSettings({ config: file }, { agentToken: newToken(), adminToken: newToken() }, newDemoTunnel());
  else readSettings(file, SCHEMAS[kind]);
  process.stdout.write(`${file}: valid, as a configuration of "culvert ${kind}"\n`);
}

/** The kind whose keys the file uses most. */
export function kindOf(value: unknown, file: string): ConfigKind {
  const used = new Set(Object.keys(typeof value === 'object' && value !== null ? value : {}));
  const kinds = Object.keys(SCHEMAS) as ConfigKind[];
  const scores = kinds.map((kind) => ({
    kind,
    score: keysOf(SCHEMAS[kind]('.')).filter((key) => used.has(key)).length,
  }));
  const [best, next] = scores.sort((a, b) => b.score - a.score);
  if (best === undefined || best.score === 0 || best.score === next?.score) {
    throw new UsageError(
      `${file}: its keys do not tell what it configures; add --as edge, router, agent or up`,
    );
  }
  return best.kind;
}

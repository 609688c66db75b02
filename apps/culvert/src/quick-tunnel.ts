import { agentSchema, type AgentSettings } from '@culvert/agent/settings';
import { parseHostname, parseSettings, SettingsError } from '@culvert/settings';
import { UsageError } from './failure.ts';
import { accountFile, readAccount, type LocalAccount } from './local-account.ts';
import { print } from './print.ts';
import type { HttpFlags, QuickFlags, ServiceFlags } from './program.ts';
import { serve } from './serve.ts';
import { targetService } from './target.ts';
import { tunnelIdOf } from './tunnel-id.ts';

const DEFAULT_EDGE = '127.0.0.1:7000';

/** What a quick tunnel makes public: exactly one hostname or port. */
interface Claim {
  readonly hostnames?: readonly string[];
  readonly ports?: readonly number[];
}

/** `culvert http TARGET --hostname NAME`. */
export async function runHttp(target: string, flags: HttpFlags): Promise<void> {
  const hostname = parseHostname(flags.hostname);
  if (hostname === undefined)
    throw new UsageError(`--hostname: ${JSON.stringify(flags.hostname)} is not a hostname`);
  const account = readAccount(accountFile());
  const settings = quickSettings(targetService(target, 'http'), { hostnames: [hostname] }, flags, account);
  await runQuick(settings, publicUrl(hostname, account), target);
}

/** `culvert tcp TARGET --port N`. */
export async function runTcp(target: string, flags: QuickFlags & { readonly port: string }): Promise<void> {
  const port = Number(flags.port);
  if (!/^\d+$/.test(flags.port) || port < 1 || port > 65_535) {
    throw new UsageError(`--port: ${JSON.stringify(flags.port)} is not a port from 1 to 65535`);
  }
  const account = readAccount(accountFile());
  const settings = quickSettings(targetService(target, 'tcp'), { ports: [port] }, flags, account);
  await runQuick(settings, `tcp://${settings.edges[0]?.host ?? ''}:${port}`, target);
}

async function runQuick(settings: AgentSettings, url: string, target: string): Promise<void> {
  await serve('agent', settings, async (parts) => {
    const [{ startAgent }, { isFinalRefusal }] = await Promise.all([
      import('@culvert/agent'),
      import('@culvert/wire'),
    ]);
    const refused = Promise.withResolvers<never>();
    const agent = await startAgent(settings, {
      ...parts,
      // Whoever typed the command is there to mend it; an agent that once attached goes on trying.
      onRefused: (error) => {
        if (isFinalRefusal(error.goAway.code)) refused.reject(error);
      },
    });
    await Promise.race([agent.attached, refused.promise]);
    refused.promise.catch(() => undefined);
    print(`${url} leads to ${target}\n`);
    return agent;
  });
}

/** An agent's settings as if they had been read from a file. */
export function quickSettings(
  service: string,
  claims: Claim,
  flags: QuickFlags & ServiceFlags,
  account: LocalAccount | undefined,
): AgentSettings {
  const token = flags.token ?? account?.agentToken;
  if (token === undefined || token === '') {
    throw new UsageError(
      'no token: give --token or CULVERT_TOKEN, or start "culvert up" on this machine first',
    );
  }
  const publicName = String(claims.hostnames?.[0] ?? claims.ports?.[0]);
  const tunnel = tunnelIdOf(token, publicName);
  const edges = [flags.edge ?? account?.agents ?? DEFAULT_EDGE];
  try {
    const under = { tunnel, token, edges, ingress: [{ service, ...serviceKeys(flags) }], claims };
    return parseSettings('', agentSchema, { file: 'culvert', under });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const [problem] = error.problems;
    throw new UsageError(`${flagOf(problem?.key ?? '')}: ${problem?.message ?? error.message}`, {
      cause: error,
    });
  }
}

/** As keys of an ingress rule. */
function serviceKeys({ hostHeader, http2, insecureUpstream }: ServiceFlags): object {
  return {
    ...(hostHeader === undefined ? {} : { hostHeader }),
    ...(http2 === undefined ? {} : { http2 }),
    ...(insecureUpstream === undefined ? {} : { tls: { verify: false } }),
  };
}

/** Which flag a key came from: all else was checked before. */
function flagOf(key: string): string {
  if (key.endsWith('.hostHeader')) return '--host-header';
  if (key.endsWith('.http2')) return '--http2';
  return key.endsWith('.tls') ? '--insecure-upstream' : '--edge';
}

/** With the public port of "culvert up" where that is what the tunnel goes through. */
function publicUrl(hostname: string, account: LocalAccount | undefined): string {
  const port = account?.http?.split(':').at(-1);
  return port === undefined || port === '80' ? `http://${hostname}/` : `http://${hostname}:${port}/`;
}

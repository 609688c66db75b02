import type { LocalAccount } from './local-account.ts';
import { DEMO_HOSTNAME } from './up-settings.ts';

export interface WelcomeFacts {
  /** `host:port`, each as somebody on this machine reaches it. */
  readonly http: string;
  readonly agents: string;
  readonly admin?: string;
  readonly account: LocalAccount;
  /** Where the tokens are kept. */
  readonly file: string;
}

/** What `culvert up` tells: what runs where, and what to try. */
export function welcome({ http, agents, admin, account, file }: WelcomeFacts): string {
  const port = http.split(':').at(-1) ?? '';
  const api =
    admin === undefined
      ? ''
      : `  admin API        http://${admin}/api/v1/tunnels   (Authorization: Bearer ${account.adminToken})\n`;
  const edge = agents === '127.0.0.1:7000' ? '' : ` --edge ${agents}`;
  return `
culvert is up.

  public HTTP      http://${http}
  agents           ${agents}
${api}  agent token      ${account.agentToken}   (this token and the admin's are kept in ${file})

Try:
  curl -H 'Host: ${DEMO_HOSTNAME}' http://${http}/
  culvert http 3000 --hostname app.localhost${edge}     # then http://app.localhost:${port}/ leads to port 3000

`;
}

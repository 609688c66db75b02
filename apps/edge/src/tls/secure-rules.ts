import type { EntryRules } from '../entry/entry-rules.ts';
import type { CertificateStore } from './certificate-store.ts';

export interface SecureRulesOptions {
  readonly store: CertificateStore;
  readonly serverName: string | undefined;
  readonly hsts: string | undefined;
  readonly withheld: ReadonlySet<string> | undefined;
  /** What services are told of the client's certificate. */
  readonly requestFields: string;
}

/** Of one TLS connection. */
export class SecureRules implements EntryRules {
  readonly terminates = true;
  readonly httpsPort = undefined;
  readonly hsts: string | undefined;
  readonly withheld: ReadonlySet<string> | undefined;
  readonly requestFields: string;
  readonly #store: CertificateStore;
  readonly #serverName: string | undefined;

  constructor(options: SecureRulesOptions) {
    this.hsts = options.hsts;
    this.withheld = options.withheld;
    this.requestFields = options.requestFields;
    this.#store = options.store;
    this.#serverName = options.serverName;
  }

  /** Of a host with another certificate the client has seen no proof; it is to connect again, with that server name. */
  misdirects(hostname: string): boolean {
    const serverName = this.#serverName;
    if (serverName === undefined || hostname === serverName) return false;
    const { choice } = this.#store;
    return choice.for(hostname) !== choice.for(serverName);
  }
}

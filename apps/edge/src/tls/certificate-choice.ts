import type { Certificate } from './certificate.ts';

/** Certificates for the same names with keys of different types: a handshake uses what the other side knows. */
export interface Identity {
  readonly names: readonly string[];
  readonly certificates: readonly Certificate[];
}

/** Which identity is shown for which server name: the exact name, then its wildcard, then the first of all. */
export class CertificateChoice<One extends Identity> {
  readonly identities: readonly One[];
  readonly #names = new Map<string, One>();
  /** By what follows `*.`. */
  readonly #wildcards = new Map<string, One>();

  /** @param identities at least one; of two with the same name the earlier has it */
  constructor(identities: readonly One[]) {
    this.identities = identities;
    for (const identity of identities.toReversed()) {
      for (const name of identity.names) {
        if (name.startsWith('*.')) this.#wildcards.set(name.slice(2), identity);
        else this.#names.set(name, identity);
      }
    }
  }

  get default(): One {
    return this.identities[0]!;
  }

  /** @param serverName in lower case */
  for(serverName: string | undefined): One {
    if (serverName === undefined) return this.default;
    const exact = this.#names.get(serverName);
    if (exact !== undefined) return exact;
    const dot = serverName.indexOf('.');
    return (dot === -1 ? undefined : this.#wildcards.get(serverName.slice(dot + 1))) ?? this.default;
  }
}

/** Puts certificates for the same names together; of two with keys of the same type the earlier counts. */
export function identitiesOf(certificates: readonly Certificate[]): Identity[] {
  const byNames = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const names = certificate.names.toSorted().join(' ');
    const alike = byNames.get(names);
    if (alike === undefined) byNames.set(names, [certificate]);
    else if (!alike.some(({ keyType }) => keyType === certificate.keyType)) alike.push(certificate);
  }
  return [...byNames.values()].map((alike) => ({ names: alike[0]!.names, certificates: alike }));
}

import { FileWatch } from '@culvert/lifecycle';
import type { Logger } from '@culvert/telemetry';
import { constants, createHash } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { CertificateError, expiryOf, readAuthorities, readCertificate } from './certificate.ts';
import type { Certificate, CertificateFiles } from './certificate.ts';
import { CertificateChoice, identitiesOf } from './certificate-choice.ts';
import type { Identity } from './certificate-choice.ts';

/** How long a session may be resumed, s. */
const SESSION_SECONDS = 6 * 3_600;
export interface TlsListenerSettings {
  readonly certificates: readonly CertificateFiles[];
  readonly minVersion: '1.2' | '1.3';
  readonly clientCertificates?: { readonly ca: string; readonly mode: 'request' | 'require' };
}

export interface CertificateStoreOptions {
  /** The listener, for the log. */
  readonly what: string;
  readonly tls: TlsListenerSettings;
  readonly ticketKeys: Buffer;
  readonly logger: Logger;
}

/** An identity with all that a handshake needs. */
export interface ServedIdentity extends Identity {
  readonly options: SecureContextOptions;
}

/** The certificates of a listener as they are in force: read at the start and again when their files change. */
export class CertificateStore {
  readonly #options: CertificateStoreOptions;
  #certificates: readonly Certificate[];
  #authorities: Buffer | undefined;
  #choice: CertificateChoice<ServedIdentity>;
  #watch: FileWatch | undefined;
  #reloading: Promise<void> = Promise.resolve();

  private constructor(
    options: CertificateStoreOptions,
    certificates: readonly Certificate[],
    authorities: Buffer | undefined,
  ) {
    this.#options = options;
    this.#certificates = certificates;
    this.#authorities = authorities;
    this.#choice = this.#choose();
    this.#warnOfExpiry();
  }

  /** Reads all files and watches them. Throws CertificateError. */
  static async open(options: CertificateStoreOptions): Promise<CertificateStore> {
    const { certificates, clientCertificates } = options.tls;
    const [read, authorities] = await Promise.all([
      Promise.all(certificates.map(readCertificate)),
      clientCertificates === undefined ? undefined : readAuthorities(clientCertificates.ca),
    ]);
    const store = new CertificateStore(options, read, authorities);
    const files = certificates.flatMap(({ cert, key }) => [cert, key]);
    if (clientCertificates !== undefined) files.push(clientCertificates.ca);
    store.#watch = new FileWatch({ files, onChange: () => void store.reload() });
    return store;
  }

  get choice(): CertificateChoice<ServedIdentity> {
    return this.#choice;
  }

  /** The certificates in force. */
  get certificates(): readonly Certificate[] {
    return this.#certificates;
  }

  /** Reads the files again. What is of no use is told and leaves the old in force; connections are not touched. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  /** Watches no more. */
  close(): void {
    this.#watch?.close();
  }

  async #reload(): Promise<void> {
    const { tls, what, logger } = this.#options;
    const certificates = await Promise.all(
      tls.certificates.map((files, at) => this.#again(() => readCertificate(files), this.#certificates[at]!)),
    );
    const { clientCertificates } = tls;
    const authorities =
      clientCertificates === undefined
        ? undefined
        : await this.#again(() => readAuthorities(clientCertificates.ca), this.#authorities!);
    const before = { certificates: this.#certificates, authorities: this.#authorities };
    if (isDeepSame(before, { certificates, authorities })) return;
    this.#certificates = certificates;
    this.#authorities = authorities;
    try {
      this.#choice = this.#choose();
    } catch (error) {
      // Each file was readable, and OpenSSL will not have them all the same.
      this.#certificates = before.certificates;
      this.#authorities = before.authorities;
      logger.error('certificate refused, the old one stays in force', { listener: what, error });
      return;
    }
    logger.info('certificates loaded', { listener: what, names: certificates.map(({ names }) => names) });
    this.#warnOfExpiry();
  }

  /** What the file holds now, or what it held when it was of use. */
  async #again<Value>(read: () => Promise<Value>, old: Value): Promise<Value> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      const { file, message: reason } = error;
      const fields = { listener: this.#options.what, file, reason };
      this.#options.logger.error('certificate refused, the old one stays in force', fields);
      return old;
    }
  }

  #choose(): CertificateChoice<ServedIdentity> {
    const identities = identitiesOf(this.#certificates);
    return new CertificateChoice(identities.map((identity) => this.#served(identity)));
  }

  #served(identity: Identity): ServedIdentity {
    const { tls, ticketKeys } = this.#options;
    const options: SecureContextOptions = {
      cert: identity.certificates.map(({ cert }) => cert),
      key: identity.certificates.map(({ key }) => key),
      minVersion: `TLSv${tls.minVersion}`,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      sessionIdContext: this.#sessionIdContext(),
      sessionTimeout: SESSION_SECONDS,
      ticketKeys,
      ...(this.#authorities === undefined ? {} : { ca: this.#authorities }),
    };
    // What OpenSSL will not have, it shall refuse now.
    process.getBuiltinModule('node:tls').createSecureContext(options);
    return { ...identity, options };
  }

  /**
   * A session carries what its first handshake has established of the client: it may be resumed only where the same
   * is asked of clients, on whatever edge that is.
   */
  #sessionIdContext(): string {
    const hash = createHash('sha256');
    const { clientCertificates } = this.#options.tls;
    if (this.#authorities !== undefined)
      hash.update(clientCertificates?.mode ?? '').update(this.#authorities);
    return hash.digest('hex').slice(0, 32);
  }

  #warnOfExpiry(): void {
    const { what, logger } = this.#options;
    for (const certificate of this.#certificates) {
      const expiry = expiryOf(certificate, Date.now());
      if (expiry === undefined) continue;
      const expires = new Date(certificate.expires).toISOString();
      const event = expiry === 'soon' ? 'certificate expires soon' : 'certificate has expired';
      logger.warn(event, { listener: what, names: certificate.names, expires });
    }
  }
}

interface Loaded {
  readonly certificates: readonly Certificate[];
  readonly authorities: Buffer | undefined;
}

function isDeepSame(a: Loaded, b: Loaded): boolean {
  const same = (x: Buffer, y: Buffer): boolean => x.equals(y);
  return (
    (a.authorities === b.authorities || same(a.authorities!, b.authorities!)) &&
    a.certificates.every(({ cert, key }, at) => {
      const other = b.certificates[at]!;
      return same(cert, other.cert) && same(key, other.key);
    })
  );
}

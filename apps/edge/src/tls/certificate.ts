import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Where a certificate chain and its key are, PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate chain with its key, PEM, and what the certificate says of itself. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Hostnames in lower case, `*.example.com` among them. */
  readonly names: readonly string[];
  /** `rsa`, `ec`, `ed25519` and so on. */
  readonly keyType: string;
  /** Its validity, ms since the epoch. */
  readonly begins: number;
  readonly expires: number;
}

const WEEK_MS = 7 * 86_400_000;

/** A file of a certificate, a key or authorities is of no use. */
export class CertificateError extends Error {
  readonly file: string;

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file}: ${reason}`, options);
    this.name = 'CertificateError';
    this.file = file;
  }
}

/** Throws CertificateError: a file cannot be read or used, or the key is another certificate's. */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const [cert, key] = await Promise.all([readPem(files.cert), readPem(files.key)]);
  const leaf = parsed(files.cert, 'no certificate in PEM', () => new X509Certificate(cert));
  const privateKey = parsed(files.key, 'no private key in PEM', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new CertificateError(files.key, `is not the key of the certificate in ${files.cert}`);
  }
  const keyType = privateKey.asymmetricKeyType ?? '';
  return {
    cert,
    key,
    names: namesOf(leaf),
    keyType,
    begins: leaf.validFromDate.getTime(),
    expires: leaf.validToDate.getTime(),
  };
}

/** What is to be told of a certificate's end: somebody should have renewed it by the last third, or the last week. */
export function expiryOf({ begins, expires }: Certificate, now: number): 'expired' | 'soon' | undefined {
  if (expires <= now) return 'expired';
  return expires - now < Math.min(WEEK_MS, (expires - begins) / 3) ? 'soon' : undefined;
}

/** Authorities, PEM. Throws CertificateError. */
export async function readAuthorities(file: string): Promise<Buffer> {
  const pem = await readPem(file);
  parsed(file, 'no certificate in PEM', () => new X509Certificate(pem));
  return pem;
}

/** Those of the alternative names that are hostnames; the common name counts where there are no alternatives at all. */
function namesOf({ subject, subjectAltName }: X509Certificate): string[] {
  if (subjectAltName === undefined) {
    const common = /^CN=(.+)$/m.exec(subject)?.[1];
    return common === undefined ? [] : [common.toLowerCase()];
  }
  return subjectAltName
    .split(', ')
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length).toLowerCase()] : []));
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new CertificateError(file, `cannot be read (${codeOf(error)})`, { cause: error });
  }
}

function parsed<Value>(file: string, reason: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw new CertificateError(file, reason, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown reason';
}

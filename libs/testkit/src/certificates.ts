import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a certificate and its key, PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority of its own, made by openssl in a folder of the test. */
export class Authority {
  /** The file that those who trust it are given. */
  readonly file: string;
  readonly #folder: string;
  readonly #key: string;

  constructor(folder: string, name = 'authority') {
    this.#folder = folder;
    this.file = join(folder, `${name}.pem`);
    this.#key = join(folder, `${name}.key`);
    const subject = ['-subj', `/CN=culvert test ${name}`, '-days', '2'];
    const extensions = [
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=critical,keyCertSign',
    ];
    const out = ['-keyout', this.#key, '-out', this.file];
    openssl('req', '-x509', ...P256, ...subject, ...extensions, ...out);
  }

  get pem(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** A certificate for names such as `DNS:shop.test` and `IP:127.0.0.1`. */
  issue(name: string, ...subjects: readonly string[]): CertificateFiles {
    const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((kind) =>
      join(this.#folder, `${name}.${kind}`),
    ) as [string, string, string, string];
    writeFileSync(extensions, `subjectAltName=${subjects.join(',')}\n`);
    openssl('req', ...P256, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    const issuer = ['-CA', this.file, '-CAkey', this.#key, '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', request, ...issuer, '-extfile', extensions, '-out', cert);
    return { cert, key };
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', [...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}

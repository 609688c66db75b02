import { fieldLine } from '@culvert/http1';
import type { X509Certificate } from 'node:crypto';

/** Names of the fields that tell services of a verified client certificate; undefined: it is not told. */
export interface ClientCertificateHeaders {
  readonly subjectHeader?: string;
  readonly fingerprintHeader?: string;
}

/** A longer subject leaves too little room for the request in a head. */
const MAX_SUBJECT_BYTES = 4_096;

/** Field lines for services; undefined where the subject is too long to be told. */
export function clientCertificateFields(
  certificate: X509Certificate,
  { subjectHeader, fingerprintHeader }: ClientCertificateHeaders,
): string | undefined {
  let fields = '';
  if (subjectHeader !== undefined) {
    const subject = distinguishedName(certificate.subject);
    if (subject.length > MAX_SUBJECT_BYTES) return undefined;
    fields += fieldLine(subjectHeader, subject);
  }
  if (fingerprintHeader !== undefined) {
    fields += fieldLine(fingerprintHeader, certificate.fingerprint256.replaceAll(':', '').toLowerCase());
  }
  return fields;
}

/**
 * As RFC 4514 writes it, the most specific part first. Node gives a part a line, with `,` and control characters
 * escaped; the rest of what is not ASCII is escaped here.
 */
function distinguishedName(subject: string | undefined): string {
  const parts = subject === undefined ? [] : subject.split('\n');
  return parts
    .toReversed()
    .join(',')
    .replace(/[^\x20-\x7e]+/gu, (text) =>
      [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    );
}

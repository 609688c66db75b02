import { describe, expect, it } from 'vitest';
import type { Certificate } from './certificate.ts';
import { CertificateChoice, identitiesOf } from './certificate-choice.ts';

const certificate = (keyType: string, ...names: string[]): Certificate => ({
  cert: Buffer.alloc(0),
  key: Buffer.alloc(0),
  names,
  keyType,
  begins: 0,
  expires: Infinity,
});

describe('the certificate shown for a server name', () => {
  const first = certificate('ec', 'first.test');
  const wildcard = certificate('ec', '*.shop.test');
  const exact = certificate('ec', 'shop.test', 'www.shop.test');
  const choice = new CertificateChoice(identitiesOf([first, wildcard, exact]));
  const shown = (name: string | undefined) => choice.for(name).certificates[0];

  it.each([
    ['its own', 'www.shop.test', exact],
    ['its own, without wildcard', 'shop.test', exact],
    ['its wildcard', 'api.shop.test', wildcard],
    ['the first: a wildcard is for one label', 'a.b.shop.test', first],
    ['the first: the name is nobody’s', 'else.test', first],
    ['the first: a name of one label has no wildcard', 'localhost', first],
    ['the first: there is no name', undefined, first],
  ])('is %s', (_, name, expected) => {
    expect(shown(name)).toBe(expected);
  });

  it('is the earlier one of two with the name', () => {
    const [one, two] = [certificate('ec', 'a.test'), certificate('ec', 'a.test', 'b.test')];
    const both = new CertificateChoice(identitiesOf([one, two]));
    expect(both.for('a.test').certificates).toEqual([one]);
    expect(both.for('b.test').certificates).toEqual([two]);
  });

  it('is one of RSA and one of ECDSA where both are there for the same names', () => {
    const [rsa, ec] = [certificate('rsa', 'b.test', 'a.test'), certificate('ec', 'a.test', 'b.test')];
    const again = certificate('ec', 'a.test', 'b.test');
    const identities = identitiesOf([rsa, ec, again]);
    expect(identities.map(({ certificates }) => certificates)).toEqual([[rsa, ec]]);
  });
});

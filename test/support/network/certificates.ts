/** An authority of a test's own, and certificates by it. */

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

const keyPair = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

/** What a server is given. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

/** An authority. */
export interface Authority {
  /** Its own certificate. */
  readonly ca: string;
  /** A certificate for names and addresses. */
  issue(names: readonly string[], options?: { expired?: boolean }): Promise<ServerCertificate>;
}

/** Makes an authority that nobody else knows. */
export async function makeAuthority(name = 'Test Authority'): Promise<Authority> {
  const keys = await keyPair();
  const now = Date.now();
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  let serial = 1;
  return {
    ca: own.toString('pem'),
    async issue(names, { expired = false } = {}) {
      serial += 1;
      const server = await keyPair();
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial.toString(16).padStart(4, '0'),
        subject: `CN=${names[0]}`,
        issuer: own.subject,
        notBefore: new Date(now - 2 * DAY_MS),
        notAfter: new Date(expired ? now - DAY_MS : now + DAY_MS),
        signingAlgorithm: ALGORITHM,
        publicKey: server.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({
              type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const),
              value,
            })),
          ),
        ],
      });
      return { key: await pemOf(server.privateKey), cert: certificate.toString('pem') };
    },
  };
}

/**
 * Signed notes and checkpoints, as C2SP's signed-note and tlog-checkpoint have them: text that tools of
 * transparency logs read, signed with Ed25519.
 */

import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { RingfenceError } from '../errors.ts';
import type { Bytes32 } from './merkle.ts';

/** Bytes that a note may have. */
export const NOTE_BYTES_MAX = 16_384;

/** Signatures that are looked at in one note. */
const SIGNATURES_MAX = 16;

/** The byte that says "Ed25519" in C2SP's signed-note. */
const ED25519 = 1;

const PUBLIC_KEY_BYTES = 32;

/** A key that checks notes: who signs, and with what. */
export interface VerifierKey {
  readonly name: string;
  /** The first four bytes of SHA-256 over name, newline, algorithm and key, in hexadecimal. */
  readonly id: string;
  readonly key: KeyObject;
  /** All of it as C2SP writes it: `name+id+base64`. */
  readonly text: string;
}

/** One who signs notes. */
export interface Signer {
  readonly verifier: VerifierKey;
  readonly key: KeyObject;
}

/** A name of a key: not empty, no space, no plus (C2SP signed-note). */
const NAME = /^[^\s+\p{Cc}]{1,256}$/u;

/** The key that checks what a private (or public) key signs under a name. */
export function verifierKey(name: string, key: KeyObject): VerifierKey {
  const raw = rawPublicKey(key);
  if (!NAME.test(name)) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot name the audit key so: a name has no space, no plus, and 1 to 256 characters.',
    );
  }
  const typed = Buffer.concat([Buffer.of(ED25519), raw]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed])).slice(0, 8);
  return {
    name,
    id,
    key: key.type === 'public' ? key : createPublicKey(key),
    text: `${name}+${id}+${typed.toString('base64')}`,
  };
}

/** The 32 bytes of an Ed25519 key. @throws {RingfenceError} `RF_AUDIT_KEY` for a key of another kind */
function rawPublicKey(key: KeyObject): Buffer {
  const jwk =
    key.asymmetricKeyType === 'ed25519'
      ? (key.type === 'public' ? key : createPublicKey(key)).export({ format: 'jwk' })
      : null;
  if (jwk?.x === undefined) {
    throw new RingfenceError(
      'RF_AUDIT_KEY',
      'Cannot sign the audit chain with this key as it is no Ed25519 key: create one with `ringfence audit key`.',
    );
  }
  return Buffer.from(jwk.x, 'base64url');
}

/**
 * Reads a key as C2SP writes it.
 *
 * @throws {RingfenceError} `RF_AUDIT_KEY`
 */
export function readVerifierKey(text: string): VerifierKey {
  const parts = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44}={0,2})$/.exec(text.trim());
  const typed = Buffer.from(parts?.[3] ?? '', 'base64');
  if (parts !== null && typed.length === PUBLIC_KEY_BYTES + 1 && typed[0] === ED25519) {
    const x = typed.subarray(1).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const read = verifierKey(parts[1] as string, key);
    if (read.text === text.trim()) {
      return read;
    }
  }
  throw new RingfenceError(
    'RF_AUDIT_KEY',
    'Cannot read the public key: it is written as NAME+ID+BASE64, as `ringfence audit key --public CHAIN FILE` prints it.',
  );
}

/** Signs a text, which ends with a newline. */
function signNote(text: string, { verifier, key }: Signer): string {
  const signature = sign(null, Buffer.from(text), key);
  const signed = Buffer.concat([Buffer.from(verifier.id, 'hex'), signature]);
  return `${text}\n— ${verifier.name} ${signed.toString('base64')}\n`;
}

/** A note that was taken apart. */
interface Note {
  readonly text: string;
  readonly signatures: readonly {
    readonly name: string;
    readonly id: string;
    readonly signature: Buffer;
  }[];
}

function parseNote(note: string): Note | null {
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || note.length > NOTE_BYTES_MAX || !note.endsWith('\n')) {
    return null;
  }
  const lines = note.slice(end + 2, -1).split('\n');
  const signatures = lines.slice(0, SIGNATURES_MAX).map((line) => {
    const parts = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const bytes = Buffer.from(parts?.[2] ?? '', 'base64');
    return {
      name: parts?.[1] ?? '',
      id: bytes.subarray(0, 4).toString('hex'),
      signature: bytes.subarray(4),
    };
  });
  return { text: note.slice(0, end + 1), signatures };
}

/** Whether a key has signed a note. */
function isSigned(note: Note, key: VerifierKey): boolean {
  return note.signatures.some(
    ({ name, id, signature }) =>
      name === key.name &&
      id === key.id &&
      signature.length === 64 &&
      verify(null, Buffer.from(note.text), key.key, signature),
  );
}

/** What a checkpoint says: the tree of the first `size` events of the chain `origin` has this root. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes32;
  /** What it says of the resource tree; null: nothing. */
  readonly resources: TreeHead | null;
  /** The note as it is. */
  readonly note: string;
  /** Whether a key has signed it. */
  signedBy(key: VerifierKey): boolean;
}

/** The origin of a chain's checkpoints: their first line, and the name of the keys that sign them. */
export function originOf(chain: string): string {
  return `ringfence-audit/${chain}`;
}

/** What a checkpoint says of the resource tree: its entries, and their root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Bytes32;
}

const base64Of = (bytes: Bytes32): string => Buffer.from(bytes, 'latin1').toString('base64');

const bytesOf = (base64: string): Bytes32 => Buffer.from(base64, 'base64').toString('latin1');

/** Writes and signs a checkpoint; with a resource tree, whose line is one of C2SP's extension lines. */
export function signCheckpoint(
  origin: string,
  size: number,
  root: Bytes32,
  signer: Signer,
  resources: TreeHead | null = null,
): string {
  const extension =
    resources === null ? '' : `resource-tree ${resources.size} ${base64Of(resources.root)}\n`;
  return signNote(`${origin}\n${size}\n${base64Of(root)}\n${extension}`, signer);
}

/** The head of the resource tree among the extension lines; null: there is none, or not just one. */
function treeHeadOf(extensions: string): TreeHead | null {
  const lines = extensions.split('\n').filter((line) => line.startsWith('resource-tree '));
  const parts = /^resource-tree (0|[1-9]\d{0,5}) ([A-Za-z0-9+/]{43}=)$/.exec(lines[0] ?? '');
  return lines.length !== 1 || parts === null
    ? null
    : { size: Number(parts[1]), root: bytesOf(parts[2] as string) };
}

/** Reads a checkpoint; null: it is none. Whether somebody has signed it is asked of it. */
export function readCheckpoint(text: string): Checkpoint | null {
  const note = parseNote(text);
  const parts = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)$/.exec(
    note?.text ?? '',
  );
  if (note === null || parts === null || !Number.isSafeInteger(Number(parts[2]))) {
    return null;
  }
  return {
    origin: parts[1] as string,
    size: Number(parts[2]),
    root: bytesOf(parts[3] as string),
    resources: treeHeadOf(parts[4] as string),
    note: text,
    signedBy: (key) => isSigned(note, key),
  };
}

/** What the old key signs when a new one takes its place. */
function rotationText(chain: string, old: VerifierKey, next: VerifierKey): Buffer {
  return Buffer.from(`ringfence-audit-key-rotation/1\n${chain}\n${old.text}\n${next.text}\n`);
}

/** The old key's word that a new one takes its place, in base64. */
export function signRotation(chain: string, old: Signer, next: VerifierKey): string {
  return sign(null, rotationText(chain, old.verifier, next), old.key).toString('base64');
}

/** Whether the old key has said that the new one takes its place. */
export function isRotation(
  chain: string,
  old: VerifierKey,
  next: VerifierKey,
  signature: string,
): boolean {
  const bytes = Buffer.from(signature, 'base64');
  return bytes.length === 64 && verify(null, rotationText(chain, old, next), old.key, bytes);
}

/** Which grants and modes the functions of descriptors need, and what a denial answers. */

import type { FileModes, FilesScope } from '../../../../capability/grant.ts';
import { err, type WAIT } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import { DESCRIPTOR_FLAGS, OPEN_FLAGS } from '../../generated/wasi-filesystem-types.ts';
import type { Descriptor, EntryStream } from './descriptor.ts';

/** Any mount can be read. */
export const reads = (): boolean => true;
/** What changes what is in files, as far as can be told before it is known who made them. */
export const changes = (modes: FileModes): boolean => modes.write || modes.create;
export const writes = (modes: FileModes): boolean => modes.write;
export const creates = (modes: FileModes): boolean => modes.create;

/** Opening needs more than reading where something may be changed through what is opened. */
export function openNeeds(modes: FileModes, openFlags: number, flags: number): boolean {
  const changing =
    (openFlags & (OPEN_FLAGS.create | OPEN_FLAGS.truncate)) !== 0 ||
    (flags & (DESCRIPTOR_FLAGS.write | DESCRIPTOR_FLAGS.mutateDirectory)) !== 0;
  return !changing || changes(modes);
}

/** Where two descriptors take part, the grants of both must be in force. */
export function permitsBoth(
  scope: FilesScope,
  agent: HostAgent,
  self: Descriptor,
  other: Descriptor,
): boolean {
  return scope === self.scope && creates(scope.modes) && agent.grants.inForce(other.grant);
}

/** Its mount lacks a mode, or is no longer granted. */
export function denied(_message: string, agent: HostAgent, self: Descriptor | EntryStream) {
  return err(agent.grants.inForce(self.grant) ? 'read-only' : 'access');
}

/** As {@link denied}, where two descriptors take part. */
export function deniedBoth(agent: HostAgent, self: Descriptor, other: Descriptor) {
  const inForce = agent.grants.inForce(self.grant) && agent.grants.inForce(other.grant);
  return err(inForce ? 'read-only' : 'access');
}

/** The file host saw that a mode is missing, which only it can know: that is a denial too. */
export function counted<Answer extends { readonly tag: string; readonly val: unknown }>(
  agent: HostAgent,
  { scope: { modes } }: Descriptor,
  operation: string,
  answer: Answer | typeof WAIT,
): Answer | typeof WAIT {
  const refused = typeof answer !== 'symbol' && answer.tag === 'err' && answer.val === 'read-only';
  if (refused && !(modes.write && modes.create)) {
    agent.deny('files', operation);
  }
  return answer;
}

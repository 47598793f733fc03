/** Anchors: places outside of a chain's store that keep its checkpoints, so that its end can't be cut off unseen. */

/** A place that keeps checkpoints. */
export interface Anchor {
  /** Named in the chain and in warnings; it says nothing that is secret. */
  readonly name: string;
  /** Where on this machine it keeps them: a directory with that in it is mounted for no agent that may write there. */
  readonly path?: string;
  /** Keeps a checkpoint: a signed note. Resolves when it is kept. */
  put(note: string): Promise<void>;
  /** The last checkpoint that it keeps; null: none. Left out: it can't be asked. */
  last?(): Promise<string | null>;
}

/** The last checkpoints of those anchors that can be asked. */
export async function anchorNotes(anchors: readonly Anchor[]): Promise<string[]> {
  const notes = await Promise.all(anchors.map((anchor) => anchor.last?.() ?? null));
  return notes.filter((note) => note !== null);
}

/** Tools as an MCP server offers them, whatever does their work. */

/** A tool, as clients are told of it. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  /** A JSON schema of an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** How far a call is. */
export interface CallProgress {
  /** Grows with each. */
  readonly progress: number;
  readonly message: string;
}

/** The call of a tool, from the side of who does the work. */
export interface ToolCalling {
  /** Aborted when the client has cancelled the call, or is gone. */
  readonly signal: AbortSignal;
  /** Tells the client how far it is; null: it does not want to know. */
  readonly progress: ((progress: CallProgress) => void) | null;
}

/** What came of a call. */
export interface ToolAnswer {
  /** Texts, in their order. */
  readonly content: readonly string[];
  readonly structured: Readonly<Record<string, unknown>>;
  /** The tool has failed: the client's model is told so. */
  readonly isError: boolean;
}

/** All tools of a server. */
export interface ToolBox {
  readonly tools: readonly OfferedTool[];
  /** Calls a tool that is there. Rejects with the signal's reason where the call was cancelled. */
  call(name: string, args: unknown, calling: ToolCalling): Promise<ToolAnswer>;
}

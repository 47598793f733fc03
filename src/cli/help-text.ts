/** Texts of the help of `ringfence run` that don't belong to one option. */

/** Headings under which the options are shown. */
export const RUN_GROUPS = {
  grants: 'Grants (nothing is granted by default; without a scope everything of the kind):',
  limits: 'Limits (0 is unlimited; sizes as 64MiB, durations as 500ms, 10s):',
  policy: 'Policy:',
  run: 'Isolation, features and report:',
  audit: 'Audit (docs/audit.md):',
  recording: 'Recording (docs/replay.md):',
  serve: 'Serving:',
  bench: 'Measuring:',
} as const;

/** Behind the options of `run`. */
export const RUN_EXAMPLES = `
Examples:
  ringfence run word-count.wasm < LICENSE
  ringfence run --max-fuel 1000000 --timeout 1s agent.wasm
  ringfence run --max-memory 32MiB --report report.json agent.wasm -- --verbose input
  ringfence run --allow-ipc=parent --env LANG --env MODE=test agent.wasm
  ringfence run --dir data::/data:ro --tmpfs /tmp:64MiB agent.wasm
  ringfence run --policy ringfence.toml --timeout 1s plugins/agent.wasm
  ringfence run --json agent.wasm 2> output.txt | jq .usage
  ringfence run --record agent.rec agent.wasm; ringfence replay agent.rec agent.wasm`;

/** Behind the options of `serve`. */
export const SERVE_EXAMPLES = `
Examples:
  ringfence serve web-hello.wasm
  ringfence serve --addr :0 --max-fuel 10000000 --request-timeout 5s web-hello.wasm
  ringfence serve --keep-warm 8 --max-concurrent 64 --json app.wasm
  ringfence serve --policy ringfence.toml plugins/app.wasm

Limits are those of an instance: of a request, or with --keep-warm of those that it handles. So are
receipts, one line each.
Exit status: 0 after Ctrl-C or SIGTERM; 2 wrong usage, no such file or no place to listen, 125 ringfence
failed, 126 the module can't be run.`;

/** What exit statuses mean. */
export const EXIT_STATUS_HELP = `
Exit status: the module's own code; 2 wrong usage or no such file, 124 timeout, 125 ringfence failed,
126 the module can't be run, 130 Ctrl-C, 134 trap, 137 fuel or CPU time used up, 143 SIGTERM.`;

/** Behind the options of `replay`. */
export const REPLAY_EXAMPLES = `
Nothing is granted: what the module asks its host for is answered out of the recording.

Examples:
  ringfence run --record agent.rec agent.wasm
  ringfence replay agent.rec agent.wasm
  ringfence replay --trace agent.rec agent.wasm | less

Exit status: 0 identical, however the run had ended; 1 not identical; 2 wrong usage or no such file, 125
ringfence failed, 126 the recording can't be read or is of another module, 130 Ctrl-C, 143 SIGTERM.`;

/** Behind the options of `inspect`. */
export const INSPECT_EXAMPLES = `
Examples:
  ringfence inspect agent.wasm
  ringfence inspect --json agent.wasm`;

/** Behind the options of `bench`. */
export const BENCH_EXAMPLES = `
Each run has these grants, limits, arguments and standard input, which is read once; what it writes is dropped.

Examples:
  ringfence bench word-count.wasm < LICENSE
  ringfence bench --seconds 60 --json agent.wasm -- --verbose input
  ringfence bench --only prepare,start --rounds 20 agent.wasm

Exit status: 0 measured, 1 a run failed, 2 wrong usage or no such file, 125 ringfence failed, 126 the module
can't be run, 130 Ctrl-C, 143 SIGTERM.`;

/** Behind the options of `bindings`. */
export const BINDINGS_EXAMPLES = `
Examples:
  ringfence bindings
  ringfence bindings --world agent --guest src/agent.ts --out src/bindings wit

Exit status: 0 written, 2 wrong usage, no such file, or WIT that is wrong, 125 ringfence failed.`;

/** Behind the commands of `policy`. */
export const POLICY_EXAMPLES = `
Examples:
  ringfence policy check
  ringfence policy explain --policy ringfence.toml --timeout 1s plugins/agent.wasm
  ringfence policy schema > ringfence.policy.schema.json`;

/** Heading of the options of `mcp` alone. */
export const MCP_GROUP = 'Server:';

/** Behind the options of `mcp`. */
export const MCP_EXAMPLES = `
Each call of a tool is a fresh agent, with these grants and limits; without --timeout it has 60 s.

Examples:
  ringfence mcp word-count.wasm
  ringfence mcp --policy ringfence.toml plugins/*.wasm
  ringfence mcp --http 127.0.0.1:8123 --token-env TOKEN --max-fuel 1000000000 word-count.wasm`;

/** The chain that is looked at where none is named. */
export const AUDIT_DIRECTORY = 'audit';

/** Heading of the options of `audit`. */
export const AUDIT_GROUP = 'Options:';

/** Behind the commands of `audit`. */
export const AUDIT_EXAMPLES = `
Examples:
  ringfence audit key audit.key
  ringfence run --audit audit --audit-key audit.key agent.wasm
  ringfence audit key --public audit audit.key > audit.pub
  ringfence audit verify --key "$(cat audit.pub)" --anchor anchors.jsonl audit
  ringfence audit show --kind capability.deny --follow
  ringfence audit export > chain.jsonl
  ringfence audit prove 17 > proof.json; ringfence audit check --key "$(cat audit.pub)" proof.json
  ringfence audit check --key "$(cat audit.pub)" --chain audit receipt.json

Exit status: 0 valid, 1 bad, 2 wrong usage or no such file, 125 ringfence failed.`;

/** Behind the options of `new`. */
export const NEW_EXAMPLES = `
Examples:
  ringfence new my-agent
  ringfence new --lang assemblyscript agents/greeter`;

/** Behind the options of `check`. */
export const CHECK_EXAMPLES = `
Examples:
  ringfence check
  ringfence check --policy ringfence.toml agent.wasm

Exit status: 0 it can be run, 1 something keeps it from that, 2 wrong usage or no such file, 125 ringfence failed,
127 a compiler or a package of the project is not installed.`;

/** Behind the options of `build`. */
export const BUILD_EXAMPLES = `
The project is what package.json says in its field "ringfence"; what is built goes to build/.

Examples:
  ringfence build
  ringfence build --json agents/greeter

Exit status: 0 built, 1 the source is wrong, 2 wrong usage or no such file, 125 ringfence failed,
127 a compiler or a package is not installed.`;

/** Behind the options of `dev`. */
export const DEV_HELP = `
It runs under the project's ringfence.toml, where there is one, without standard input. The last good build goes on
while another is made, and where that fails. Ctrl-C ends it.

Examples:
  ringfence dev
  ringfence dev agents/greeter -- --verbose`;

/** Behind the options of `test`. */
export const TEST_HELP = `
The tests are vitest's, which the project has for itself; what stands behind '--' is for it.

Examples:
  ringfence test
  ringfence test --watch agents/greeter -- -t greets

Exit status: that of vitest, 1 the source is wrong, 2 wrong usage or no such file.`;

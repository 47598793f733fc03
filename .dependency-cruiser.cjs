// The arrows of docs/architecture.md: they point downwards and inwards.
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: '\\.test\\.ts$' },
  to: {
    path: '^src/',
    pathNot: [
      from,
      ...allowed,
      '^src/(errors|usage-error|turnover-map|process-group|inherited-descriptors|timer)\\.ts$',
    ],
  },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'not-to-unresolvable',
      comment: 'what can not be found is checked by no rule',
      severity: 'error',
      from: { pathNot: '^src/kit/assemblyscript/runtime/' },
      to: { couldNotResolve: true },
    },
    only('process', '^src/process/', [], 'process knows nobody'),
    only(
      'resource',
      '^src/resource/',
      ['^src/wasm/metering/costs\\.ts$'],
      'resource knows nobody but the table that fuel is counted by',
    ),
    only('json-schema', '^src/json-schema/', [], 'schemas of JSON know nobody'),
    only(
      'capability',
      '^src/capability/',
      ['^src/json-schema/'],
      'capability knows nobody but the schemas of arguments',
    ),
    only('ipc', '^src/ipc/', ['^src/resource/'], 'ipc knows no worker and no wasm'),
    only(
      'network',
      '^src/network/',
      ['^src/capability/', '^src/http/(exchange|length|syntax)\\.ts$'],
      'the network knows grants, and nobody who uses it',
    ),
    only('metering', '^src/wasm/metering/', [], 'the rewriter knows bytes only'),
    only(
      'component',
      '^src/wasm/component/',
      ['^src/wasm/metering/', '^src/wasm/host/generated/offered-world\\.ts$'],
      'reading, checking and linking know the rewriter and what is offered',
    ),
    only(
      'host',
      '^src/wasm/host/',
      [
        '^src/capability/',
        '^src/resource/',
        '^src/ipc/',
        '^src/http/',
        '^src/network/sockets/(host|request|caps)\\.ts$',
        '^src/wasm/component/(types|memory-views)\\.ts$',
        '^src/network/exchange\\.ts$',
        '^src/kv/caps\\.ts$',
      ],
      'host functions know what they gate, never the worker that runs them',
    ),
    only(
      'worker',
      '^src/wasm/worker/',
      [
        '^src/wasm/(host|component|metering)/',
        '^src/(capability|resource|ipc|process|http|network)/',
        '^src/recording/(values|entries|kept|trace)\\.ts$',
      ],
      'the worker joins plan, host functions and scheduling',
    ),
    only(
      'backend',
      '^src/backend/',
      [
        '^src/wasm/',
        '^src/(capability|resource|ipc|process|http|network)/',
        '^src/recording/kept\\.ts$',
      ],
      'a backend drives workers and knows no supervisor',
    ),
    only(
      'supervisor',
      '^src/supervisor/',
      [
        '^src/(process|capability|resource|ipc|http)/',
        '^src/backend/backend\\.ts$',
        '^src/recording/kept\\.ts$',
      ],
      'the supervisor knows backends by their interface only',
    ),
    only(
      'metrics',
      '^src/metrics/',
      ['^src/(process|capability|resource|supervisor|ipc)/'],
      'metrics read what is kept of agents, and are known to the kernel only',
    ),
    only(
      'scores',
      '^src/scores/',
      ['^src/process/'],
      'scores know how agents end, and their names',
    ),
    only('health', '^src/health/', [], 'health knows no part that it judges'),
    only('http', '^src/http/', [], 'what is said of a request knows nobody who says it'),
    only(
      'policy',
      '^src/policy/',
      [
        '^src/(capability|resource)/',
        '^src/backend/backend\\.ts$',
        '^src/wasm/metering/features\\.ts$',
        '^src/tools/catalogue/exec-command\\.ts$',
      ],
      'the policy file knows what can be written in it, and nobody who uses it',
    ),
    only('recording', '^src/recording/', [], 'recordings are bytes, and know nobody who runs'),
    only('sqlite', '^src/sqlite/', [], 'files of SQLite know nobody who keeps anything in them'),
    only(
      'audit',
      '^src/audit/',
      ['^src/sqlite/', '^src/(scores|process)/'],
      'the audit chain knows no part that writes into it, and what a score is',
    ),
    only('kv', '^src/kv/', ['^src/sqlite/'], 'the store of values knows nobody who keeps any'),
    only(
      'tools',
      '^src/tools/',
      ['^src/json-schema/', '^src/kv/'],
      'tools know nobody who offers or calls them',
    ),
    only(
      'mcp',
      '^src/mcp/',
      ['^src/json-schema/'],
      'mcp knows the protocol, and neither agents nor who offers tools',
    ),
    only(
      'diagnosis',
      '^src/diagnosis/',
      [
        '^src/process/diagnosis\\.ts$',
        '^src/wasm/component/prepare/',
        '^src/wasm/metering/features\\.ts$',
      ],
      'what was found out is looked up in the module, away from whoever runs it',
    ),
    only('kit', '^src/kit/', ['^src/wasm/component/'], 'the authoring kit knows types, no runtime'),
    {
      name: 'cli-by-the-public-api',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/cli/', '^src/index\\.ts$'] },
    },
    {
      name: 'nobody-imports-the-top',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/(index|kernel)\\.ts$', '^src/kernel/', '^src/cli/', '\\.test\\.ts$'],
      },
      to: { path: '^src/((index|kernel)\\.ts$|kernel/)' },
    },
    {
      name: 'production-code-needs-no-development-package',
      severity: 'error',
      from: { path: '^src/', pathNot: ['\\.test\\.ts$', '^src/kit/'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
